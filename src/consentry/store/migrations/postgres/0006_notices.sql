-- What programs are told at URLs of their own: written with what it tells, gone when it was told.
-- `id` begins with the message's own. `due_at` stands here alone, `host` is taken from the URL.
CREATE TABLE notices (
    recipient text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    host text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'given_up')),
    due_at bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (id, recipient)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX notices_due ON notices (state, host, due_at, id);

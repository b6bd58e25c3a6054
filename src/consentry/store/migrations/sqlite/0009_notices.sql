-- What programs are told at URLs of their own: written with what it tells, gone when it was told.
-- `id` begins with the message's own. `due_at` stands here alone, `host` is taken from the URL.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    message TEXT NOT NULL,
    host TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'given_up')),
    due_at INTEGER NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE INDEX notices_due ON notices (state, host, due_at, id);

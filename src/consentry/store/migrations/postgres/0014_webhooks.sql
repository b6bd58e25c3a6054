-- Programs that are told of events, part of the directory; one that was removed stays, marked in its
-- value. Beside them, as nobody asks for these with the rest, what signs, and how telling goes.
CREATE TABLE webhooks (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);
CREATE TABLE webhook_secrets (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);
CREATE TABLE webhook_health (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

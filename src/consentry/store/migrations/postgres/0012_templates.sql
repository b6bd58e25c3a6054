-- Named wordings. One that was deleted stays, marked in its value.
CREATE TABLE templates (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

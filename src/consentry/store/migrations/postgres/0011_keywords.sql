-- Words of keyword campaigns, part of the directory. One that was removed stays, marked in its value.
CREATE TABLE keywords (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

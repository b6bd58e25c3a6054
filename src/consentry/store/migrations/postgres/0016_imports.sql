-- Lists that are brought in: how far each has come, and what became of its rows, by their numbers in
-- the list. Whose they are stands in the ledger alone.
CREATE TABLE imports (
    id text COLLATE "C" PRIMARY KEY,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL
);

CREATE INDEX imports_of_key ON imports (key, id);

CREATE TABLE import_parts (
    run text COLLATE "C" NOT NULL,
    block bigint NOT NULL,
    part bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (run, block, part)
);

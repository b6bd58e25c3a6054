-- Lists that are brought in: how far each has come, and what became of its rows, by their numbers in
-- the list. Whose they are stands in the ledger alone.
CREATE TABLE imports (id TEXT PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL) STRICT;

CREATE INDEX imports_of_key ON imports (key, id);

CREATE TABLE import_parts (
    run TEXT NOT NULL,
    block INTEGER NOT NULL,
    part INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, block, part)
) STRICT;

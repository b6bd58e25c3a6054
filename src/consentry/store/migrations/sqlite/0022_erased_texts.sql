-- Texts that were erased with their persons, by keyed hashes of the carriers' ids and the numbers: told
-- again by the carrier they are repeats, and not new. Nobody looks for them once carriers do not.
CREATE TABLE erased_texts (
    key TEXT NOT NULL,
    hash TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (key, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX erased_texts_over ON erased_texts (until);

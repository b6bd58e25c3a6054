-- Texts that were erased with their persons, by keyed hashes of the carriers' ids and the numbers: told
-- again by the carrier they are repeats, and not new. Nobody looks for them once carriers do not.
CREATE TABLE erased_texts (
    key text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (key, hash)
);

CREATE INDEX erased_texts_over ON erased_texts (until);

-- The transparency log over the entries. A leaf of its tree is the hash of a salt and of an entry's
-- value; leaves are in the order in which entries became durable. Nothing of it is written in the
-- transaction of an entry: who integrates walks behind.

-- So many leaves there are; all entries up to and with this one are among them.
CREATE TABLE log_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    after_seq INTEGER NOT NULL
) STRICT;

INSERT INTO log_head (id, size, after_seq) VALUES (1, 0, 0);

-- 256 hashes of one level of the tree, 32 bytes each, from number * 256 on; fewer at its end.
CREATE TABLE log_tiles (
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, number)
) STRICT;

-- For each tile of level 0 its entries' numbers (8 bytes each, big-endian) and salts (16 bytes
-- each; zeros where a salt was destroyed).
CREATE TABLE log_leaves (
    number INTEGER PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    seqs BLOB NOT NULL,
    salts BLOB NOT NULL
) STRICT;

CREATE INDEX log_leaves_by_seq ON log_leaves (last_seq);

CREATE TABLE log_checkpoints (size INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE log_keys (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

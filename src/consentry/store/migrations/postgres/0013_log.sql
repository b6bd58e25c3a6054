-- The transparency log over the entries. A leaf of its tree is the hash of a salt and of an entry's
-- value; leaves are in the order in which entries became durable. Nothing of it is written in the
-- transaction of an entry: who integrates walks behind.

-- `seq` is no order of durability here: a transaction may end after others that began later. So each
-- row says which transaction wrote it. Who integrates takes the rows of transactions older than
-- the oldest one that is under way: none of them can come any more. Rows of before have 0.
ALTER TABLE entries ADD COLUMN written_by bigint NOT NULL DEFAULT 0;

ALTER TABLE entries ALTER COLUMN written_by SET DEFAULT pg_current_xact_id()::text::bigint;

-- Both columns nearly follow the order on the disk.
CREATE INDEX entries_in_order ON entries USING brin (written_by, seq)
WITH (pages_per_range = 16, autosummarize = on);

-- So many leaves there are: all rows of transactions below `below`, and of those from there to below
-- `upto` the ones with a number up to `after_seq`; `last_seq` is the highest number among these.
-- Rows with a number up to `copied_seq` came with their log from another database.
CREATE TABLE log_head (
    id integer PRIMARY KEY CHECK (id = 1),
    size bigint NOT NULL,
    below bigint NOT NULL,
    upto bigint NOT NULL,
    after_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    copied_seq bigint NOT NULL
);

INSERT INTO log_head (id, size, below, upto, after_seq, last_seq, copied_seq)
VALUES (1, 0, 0, 0, 0, 0, 0);

ALTER TABLE log_head SET (fillfactor = 50);

-- 256 hashes of one level of the tree, 32 bytes each, from number * 256 on; fewer at its end.
CREATE TABLE log_tiles (
    level bigint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, number)
);

-- For each tile of level 0 its entries' numbers (8 bytes each, big-endian) and salts (16 bytes
-- each; zeros where a salt was destroyed).
CREATE TABLE log_leaves (
    number bigint PRIMARY KEY,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    seqs bytea NOT NULL,
    salts bytea NOT NULL
);

CREATE INDEX log_leaves_by_seq ON log_leaves (last_seq);

-- Hashes and salts do not get smaller.
ALTER TABLE log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

ALTER TABLE log_leaves ALTER COLUMN seqs SET STORAGE EXTERNAL, ALTER COLUMN salts SET STORAGE EXTERNAL;

CREATE TABLE log_checkpoints (size bigint PRIMARY KEY, value text NOT NULL);

CREATE TABLE log_keys (id text COLLATE "C" PRIMARY KEY, value text NOT NULL);

-- The transparency log: tiles of hashes, leaves, checkpoints.

-- name: read_head
SELECT size, after_seq FROM log_head;

-- name: count_waiting
-- Not all of them: whoever asks does not wait for millions to be counted.
SELECT size, (SELECT count(*) FROM (SELECT 1 FROM entries WHERE seq > after_seq LIMIT 100000))
FROM log_head;

-- name: read_waiting
SELECT seq, CAST(value AS BLOB) FROM entries WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: advance_head
UPDATE log_head SET size = :size, after_seq = :after;

-- name: read_unsigned
-- The size of a log that was not signed as it is now.
SELECT iif(size > ifnull((SELECT max(size) FROM log_checkpoints), 0), size, 0) FROM log_head;

-- name: measure_log
SELECT number * 256 + length(seqs) / 8, (SELECT max(last_seq) FROM log_leaves)
FROM (SELECT number, seqs FROM log_leaves ORDER BY number DESC LIMIT 1)
UNION ALL
SELECT 0, 0
LIMIT 1;

-- name: count_up_to
SELECT count(*) FROM entries WHERE seq <= :last;

-- name: seqs_down_from
SELECT seq FROM entries WHERE seq <= :last ORDER BY seq DESC LIMIT :limit;

-- name: leaves_between
SELECT seqs FROM log_leaves WHERE last_seq >= :lowest AND first_seq <= :highest;

-- name: rows_between
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves
WHERE last_seq >= :lowest AND first_seq <= :highest;

-- name: read_these
SELECT seq, CAST(value AS BLOB) FROM entries
WHERE seq IN (SELECT value FROM json_each(:seqs)) ORDER BY seq;

-- name: read_tile
SELECT hashes FROM log_tiles WHERE level = :level AND number = :number;

-- name: write_tile
INSERT INTO log_tiles (level, number, hashes) VALUES (:level, :number, :hashes)
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes;

-- name: read_leaves
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves WHERE number = :number;

-- name: write_leaves
INSERT INTO log_leaves (number, first_seq, last_seq, seqs, salts)
VALUES (:number, :first_seq, :last_seq, :seqs, :salts)
ON CONFLICT (number) DO UPDATE SET
    first_seq = excluded.first_seq, last_seq = excluded.last_seq,
    seqs = excluded.seqs, salts = excluded.salts;

-- name: find_leaves
-- Tiles are nearly in the order of numbers: it is among the first of these, if not told otherwise.
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves
WHERE last_seq >= :seq ORDER BY last_seq LIMIT :limit;

-- name: find_seqs
SELECT id, seq FROM entries WHERE id IN (SELECT value FROM json_each(:ids));

-- name: write_checkpoint
INSERT INTO log_checkpoints (size, value) VALUES (:size, :value) ON CONFLICT (size) DO NOTHING;

-- name: newest_checkpoint
SELECT value FROM log_checkpoints ORDER BY size DESC LIMIT 1;

-- name: covering_checkpoint
SELECT value FROM log_checkpoints WHERE size >= :size ORDER BY size LIMIT 1;

-- name: read_checkpoint
SELECT value FROM log_checkpoints WHERE size = :size;

-- name: stamp_checkpoint
UPDATE log_checkpoints SET value = :value WHERE size = :size;

-- name: write_key
INSERT INTO log_keys (id, value) VALUES (:id, :value) ON CONFLICT (id) DO NOTHING;

-- name: read_keys
SELECT '[' || ifnull(group_concat(value, ','), '') || ']' FROM log_keys;

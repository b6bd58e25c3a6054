-- The transparency log: tiles of hashes, leaves, checkpoints.

-- name: is_waiting
-- Materialized, so that it is planned as if all were wanted: for one row the planner walks through
-- another index, from its beginning, where it knows little of the table.
WITH waiting AS MATERIALIZED (
    SELECT 1 FROM entries WHERE written_by >= :below AND seq > :copied
)
SELECT EXISTS (SELECT 1 FROM waiting)

-- name: summarize
-- Only the table's owner may. Of a table in partitions each has an index of its own.
SELECT brin_summarize_new_values(i.indexrelid)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_am AS a ON a.oid = c.relam AND a.amname = 'brin'
WHERE
    pg_has_role(c.relowner, 'USAGE')
    AND i.indrelid IN (
        SELECT 'entries'::regclass
        UNION ALL
        SELECT inhrelid FROM pg_inherits WHERE inhparent = 'entries'::regclass
    );

-- name: hold_head
-- Whoever else integrates does: then there is nothing to do here.
SELECT size, below, upto, after_seq, last_seq, copied_seq
FROM log_head WHERE id = 1 FOR UPDATE SKIP LOCKED;

-- name: read_horizon
-- All transactions below the first have ended; no transaction was begun from the second on.
SELECT
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- name: span_window
SELECT min(seq), max(seq) FROM entries
WHERE written_by >= :below AND written_by < :upto AND seq > :copied;

-- name: read_window
SELECT seq, value FROM entries
WHERE
    written_by >= :below AND written_by < :upto
    AND seq > :after AND seq > :copied AND seq <= :until
ORDER BY seq;

-- name: advance_head
UPDATE log_head SET
    size = :size, below = :below, upto = :upto, after_seq = :after, last_seq = :last,
    copied_seq = :copied;

-- name: read_head
SELECT size, below, upto, after_seq, last_seq, copied_seq FROM log_head;

-- name: count_waiting
-- Not all of them: whoever asks does not wait for millions to be counted.
SELECT count(*) FROM (
    SELECT 1 FROM entries
    WHERE
        written_by >= :below AND seq > :copied
        AND (written_by >= :upto OR seq > :after)
    LIMIT 100000
) AS few;

-- name: read_signed
SELECT coalesce((SELECT max(size) FROM log_checkpoints), 0), (SELECT size FROM log_head);

-- name: hold_entries
-- Whoever writes entries ends before, or begins after.
LOCK TABLE entries IN SHARE ROW EXCLUSIVE MODE;

-- name: measure_log
SELECT number * 256 + length(seqs) / 8, (SELECT max(last_seq) FROM log_leaves)
FROM log_leaves ORDER BY number DESC LIMIT 1;

-- name: newest_seq
SELECT coalesce(max(seq), 0) FROM entries;

-- name: count_up_to
SELECT count(*) FROM entries WHERE seq <= :last;

-- name: seqs_between
SELECT seq FROM entries WHERE seq > :lowest AND seq <= :highest;

-- name: leaves_between
SELECT seqs FROM log_leaves WHERE last_seq > :lowest AND first_seq <= :highest;

-- name: wait_for_head
-- No entry gets in meanwhile.
SELECT size FROM log_head WHERE id = 1 FOR UPDATE;

-- name: rows_near
-- Tiles are nearly in the order of numbers: an entry is among the first of these, or among any.
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves
WHERE number = ANY(ARRAY(
    SELECT near.number
    FROM unnest(:seqs::bigint[]) AS s, LATERAL (
        SELECT number, first_seq FROM log_leaves WHERE last_seq >= s ORDER BY last_seq LIMIT 8
    ) AS near
    WHERE near.first_seq <= s
));

-- name: rows_of
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves
WHERE EXISTS (SELECT 1 FROM unnest(:seqs::bigint[]) AS s WHERE last_seq >= s AND first_seq <= s);

-- name: read_these
SELECT seq, value FROM entries
WHERE seq >= :lowest AND seq <= :highest AND seq = ANY(:seqs::bigint[]) ORDER BY seq;

-- name: read_tiles
SELECT level, number, hashes FROM log_tiles
WHERE (level, number) IN (SELECT unnest(:levels::bigint[]), unnest(:numbers::bigint[]));

-- name: write_tiles
INSERT INTO log_tiles (level, number, hashes)
SELECT unnest(:levels::bigint[]), unnest(:numbers::bigint[]), unnest(:hashes::bytea[])
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes;

-- name: read_leaves
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves WHERE number = :number;

-- name: write_leaves
INSERT INTO log_leaves (number, first_seq, last_seq, seqs, salts)
SELECT
    unnest(:numbers::bigint[]), unnest(:first_seqs::bigint[]), unnest(:last_seqs::bigint[]),
    unnest(:seqs::bytea[]), unnest(:salts::bytea[])
ON CONFLICT (number) DO UPDATE SET
    first_seq = excluded.first_seq, last_seq = excluded.last_seq,
    seqs = excluded.seqs, salts = excluded.salts;

-- name: find_leaves
-- Tiles are nearly in the order of numbers: it is among the first of these, if not told otherwise.
SELECT wanted.id, wanted.seq, l.number, l.first_seq, l.last_seq, l.seqs, l.salts, t.hashes
FROM (SELECT id, seq FROM entries WHERE id = ANY(:ids::text[])) AS wanted,
LATERAL (
    SELECT * FROM log_leaves WHERE last_seq >= wanted.seq ORDER BY last_seq LIMIT :limit::bigint
) AS l
LEFT JOIN log_tiles AS t ON t.level = 0 AND t.number = l.number
WHERE l.first_seq <= wanted.seq;

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
SELECT '[' || coalesce(string_agg(value, ','), '') || ']'
FROM log_keys;

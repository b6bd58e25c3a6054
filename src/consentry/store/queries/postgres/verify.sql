-- What is read to hold the ledger against its log.

-- name: read_head
SELECT size, below, upto, after_seq, copied_seq FROM log_head;

-- name: count_waiting
SELECT count(*) FROM entries
WHERE
    written_by >= :below AND seq > :copied
    AND (written_by >= :upto OR seq > :after);

-- name: measure_copied
-- The head of a copy says nothing until it is taken over: its leaves do.
SELECT length(seqs) / 8 + 256 * (SELECT count(*) - 1 FROM log_leaves)
FROM log_leaves ORDER BY number DESC LIMIT 1;

-- name: list_spans
SELECT number / 256, min(first_seq), max(last_seq) FROM log_leaves GROUP BY 1 ORDER BY 1;

-- name: read_leaves
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves
WHERE number >= :first AND number < :first + :count ORDER BY number;

-- name: read_tiles
SELECT number, hashes FROM log_tiles
WHERE level = :level AND number >= :first AND number < :first + :count ORDER BY number;

-- name: read_entries
SELECT seq, recipient, id, kind, sender, recorded_at, value FROM entries
WHERE seq >= :lowest AND seq <= :highest ORDER BY seq;

-- name: find_waiting
SELECT seq FROM entries
WHERE
    seq = ANY(:seqs::bigint[]) AND written_by >= :below AND seq > :copied
    AND (written_by >= :upto OR seq > :after);

-- name: list_erasures
SELECT e.value FROM audited AS a JOIN entries AS e ON e.recipient = a.recipient AND e.seq = a.seq
WHERE a.kind = 'erased' AND e.kind = 'erased'
ORDER BY e.seq;

-- name: list_standings
-- Each last one of so many.
SELECT recipient
FROM (SELECT recipient, row_number() OVER (ORDER BY recipient) AS place FROM standings) AS numbered
WHERE place % :at_once = 0
ORDER BY recipient;

-- name: has_standings
SELECT 1 FROM standings LIMIT 1;

-- name: read_standings
SELECT recipient, value FROM standings WHERE recipient > :behind AND recipient <= :upto;

-- name: read_pieces
SELECT s.recipient, e.value
FROM standings AS s
JOIN entries AS e ON e.recipient = s.recipient
WHERE s.recipient > :behind AND s.recipient <= :upto AND strpos(e.value, '"pieces":') > 0
ORDER BY s.recipient, e.seq;

-- name: read_pieces_of
SELECT value FROM entries
WHERE recipient = :recipient AND strpos(value, '"pieces":') > 0
ORDER BY seq;

-- name: list_without_standing
SELECT w.recipient FROM unnest(:recipients::text[]) AS w (recipient)
WHERE NOT EXISTS (SELECT 1 FROM standings AS s WHERE s.recipient = w.recipient COLLATE "C");

-- name: list_kept
SELECT key, hash, value FROM erased;

-- name: read_checkpoints
SELECT size, value FROM log_checkpoints WHERE size > :behind ORDER BY size LIMIT :count;

-- name: count_checkpoints
SELECT count(*) FROM log_checkpoints;

-- name: read_keys
SELECT id, value FROM log_keys ORDER BY id;

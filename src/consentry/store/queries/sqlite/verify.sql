-- What is read to hold the ledger against its log.

-- name: measure
-- Entries get in in the order of their numbers. The head of a copy says nothing until it is taken
-- over: its leaves do.
SELECT
    iif(h.size = 0, c.size, h.size),
    (SELECT count(*) FROM entries WHERE seq > h.after_seq) - iif(h.size = 0, c.size, 0),
    h.size = 0 OR h.after_seq = ifnull((SELECT max(last_seq) FROM log_leaves), h.after_seq)
FROM
    log_head AS h,
    (
        SELECT ifnull(
            (SELECT length(seqs) / 8 FROM log_leaves ORDER BY number DESC LIMIT 1)
            + 256 * (SELECT count(*) - 1 FROM log_leaves),
            0
        ) AS size
    ) AS c;

-- name: list_spans
SELECT number / 256, min(first_seq), max(last_seq) FROM log_leaves GROUP BY 1 ORDER BY 1;

-- name: read_leaves
SELECT number, first_seq, last_seq, seqs, salts FROM log_leaves
WHERE number >= ?1 AND number < ?1 + ?2 ORDER BY number;

-- name: read_tiles
SELECT number, hashes FROM log_tiles
WHERE level = ?1 AND number >= ?2 AND number < ?2 + ?3 ORDER BY number;

-- name: read_entries
SELECT seq, recipient, id, kind, sender, recorded_at, CAST(value AS BLOB) FROM entries
WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq;

-- name: read_odd_entries
-- The same as bytes: where somebody wrote what is no text.
SELECT
    seq, CAST(recipient AS BLOB), CAST(id AS BLOB), CAST(kind AS BLOB), CAST(sender AS BLOB),
    recorded_at, CAST(value AS BLOB)
FROM entries
WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq;

-- name: find_waiting
SELECT value FROM json_each(?1) WHERE value > (SELECT after_seq FROM log_head);

-- name: list_erasures
SELECT CAST(value AS BLOB) FROM entries
WHERE seq IN (SELECT seq FROM audited WHERE kind = 'erased')
ORDER BY seq;

-- name: list_standings
-- Each last one of so many.
SELECT '+' || number
FROM (SELECT number, row_number() OVER (ORDER BY number) AS place FROM standings)
WHERE place % ?1 = 0;

-- name: has_standings
SELECT 1 FROM standings LIMIT 1;

-- name: read_standings
SELECT recipient, CAST(value AS BLOB) FROM standings
WHERE number > CAST(?1 AS INTEGER) AND number <= CAST(?2 AS INTEGER);

-- name: read_pieces
SELECT s.recipient, CAST(e.value AS BLOB)
FROM standings AS s
CROSS JOIN entries AS e ON e.recipient = s.recipient
WHERE
    s.number > CAST(?1 AS INTEGER) AND s.number <= CAST(?2 AS INTEGER)
    AND instr(e.value, '"pieces":') > 0
ORDER BY s.number, e.seq;

-- name: read_pieces_of
SELECT CAST(value AS BLOB) FROM entries
WHERE recipient = ?1 AND instr(value, '"pieces":') > 0
ORDER BY seq;

-- name: list_without_standing
SELECT w.value FROM json_each(?1) AS w
WHERE
    NOT EXISTS (
        SELECT 1 FROM standings AS s
        WHERE s.number = CAST(w.value AS INTEGER) AND s.recipient = w.value
    );

-- name: list_kept
SELECT key, hash, CAST(value AS BLOB) FROM erased;

-- name: read_checkpoints
SELECT size, value FROM log_checkpoints WHERE size > ?1 ORDER BY size LIMIT ?2;

-- name: count_checkpoints
SELECT count(*) FROM log_checkpoints;

-- name: read_keys
SELECT id, value FROM log_keys ORDER BY id;

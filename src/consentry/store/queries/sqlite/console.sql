-- What the console lists, counts and looks up.

-- name: read_audit
-- The newest of each kind, and of those the newest.
SELECT '[' || ifnull(group_concat(e.value, ',' ORDER BY e.seq DESC), '') || ']'
FROM (
    SELECT newest.value AS seq
    FROM json_each(:kinds) AS wanted, json_each((
        SELECT json_group_array(seq)
        FROM (
            SELECT seq
            FROM audited INDEXED BY audited_of_kind
            WHERE kind = wanted.value
                AND seq < CASE
                    WHEN :before IS NULL THEN 9223372036854775807
                    ELSE (SELECT seq FROM entries WHERE id = :before)
                END
            ORDER BY seq DESC
            LIMIT :limit
        )
    )) AS newest
    ORDER BY newest.value DESC
    LIMIT :limit
) AS found
JOIN entries AS e ON e.seq = found.seq;

-- name: read_audit_of_agent
-- The same, of one agent.
SELECT '[' || ifnull(group_concat(e.value, ',' ORDER BY e.seq DESC), '') || ']'
FROM (
    SELECT newest.value AS seq
    FROM json_each(:kinds) AS wanted, json_each((
        SELECT json_group_array(seq)
        FROM (
            SELECT seq
            FROM audited INDEXED BY audited_of_agent
            WHERE kind = wanted.value
                AND agent = :agent
                AND seq < CASE
                    WHEN :before IS NULL THEN 9223372036854775807
                    ELSE (SELECT seq FROM entries WHERE id = :before)
                END
            ORDER BY seq DESC
            LIMIT :limit
        )
    )) AS newest
    ORDER BY newest.value DESC
    LIMIT :limit
) AS found
JOIN entries AS e ON e.seq = found.seq;

-- name: find_message
-- Where a message lies in the order of all.
SELECT seq FROM messages WHERE id = ?;

-- name: list_senders
-- Leaps from sender to sender in the index.
WITH RECURSIVE found (sender) AS (
    SELECT min(sender) FROM messages
    UNION ALL
    SELECT (SELECT min(m.sender) FROM messages AS m WHERE m.sender > found.sender)
    FROM found
    WHERE found.sender IS NOT NULL
)
SELECT sender FROM found WHERE sender IS NOT NULL;

-- name: walk_inbound
-- The texts that came in over a sender, newest first; whoever asks stops when it has enough.
SELECT seq, recipient, sender
FROM messages
WHERE direction = 'inbound' AND sender = :sender AND seq < :before
ORDER BY seq DESC;

-- name: read_conversation
-- A text with whom it is from, if it is their newest over this sender, and not put away.
SELECT '{"message":' || m.value
    || ',"standing":' || ifnull((
        SELECT s.value
        FROM standings AS s
        WHERE s.number = CAST(m.recipient AS INTEGER) AND s.recipient = m.recipient
    ), '{}')
    || ',"customer":' || ifnull((
        SELECT c.value
        FROM phones AS p
        JOIN customers AS c ON c.id = p.customer
        WHERE p.number = m.recipient
        ORDER BY p.customer
        LIMIT 1
    ), 'null')
    || ',"mark":' || ifnull((
        SELECT k.value FROM marks AS k WHERE k.recipient = m.recipient AND k.sender = m.sender
    ), 'null')
    || '}'
FROM messages AS m
WHERE m.seq = :seq
    AND NOT EXISTS (
        SELECT 1
        FROM messages AS newer
        WHERE newer.recipient = m.recipient
            AND newer.seq > m.seq
            AND newer.sender = m.sender
            AND newer.direction = 'inbound'
    )
    AND NOT (
        :open_only AND EXISTS (
            SELECT 1
            FROM marks AS k
            WHERE k.recipient = m.recipient AND k.sender = m.sender AND k.value ->> 'done' >= m.id
        )
    );

-- name: read_id_of_message
SELECT id FROM messages WHERE seq = ?;

-- name: read_mark
SELECT value FROM marks WHERE recipient = ? AND sender = ?;

-- name: scan_opt_outs
-- Looks at so many opted-out numbers, newest first, and gives those that have the digits.
SELECT opted_out_at, recipient
FROM (
    SELECT opted_out_at, recipient, opt_out_marks
    FROM standings
    WHERE opted_out_at IS NOT NULL
        AND (opted_out_at, recipient) < (:at, :recipient)
        AND opted_out_at >= :since
    ORDER BY opted_out_at DESC, recipient DESC
    LIMIT :scan
) AS scanned
WHERE instr(recipient, :words) > 0
    AND (
        :marks IS NULL
        OR EXISTS (SELECT 1 FROM json_each(:marks) AS mark WHERE instr(opt_out_marks, mark.value) > 0)
    );

-- name: scan_opt_outs_of_named
-- The same, with the words in what a customer who has the number can be found by.
SELECT opted_out_at, recipient
FROM (
    SELECT opted_out_at, recipient, opt_out_marks
    FROM standings
    WHERE opted_out_at IS NOT NULL
        AND (opted_out_at, recipient) < (:at, :recipient)
        AND opted_out_at >= :since
    ORDER BY opted_out_at DESC, recipient DESC
    LIMIT :scan
) AS scanned
WHERE EXISTS (
    SELECT 1
    FROM phones AS p
    JOIN customers AS c ON c.id = p.customer
    WHERE p.number = scanned.recipient AND instr(c.search, :words) > 0
)
    AND (
        :marks IS NULL
        OR EXISTS (SELECT 1 FROM json_each(:marks) AS mark WHERE instr(opt_out_marks, mark.value) > 0)
    );

-- name: list_opt_outs_of_customers
-- All opted-out numbers of some customers.
SELECT DISTINCT s.opted_out_at, s.recipient
FROM json_each(:keys) AS wanted
JOIN phones AS p ON p.customer = wanted.value
JOIN standings AS s ON s.number = CAST(p.number AS INTEGER) AND s.recipient = p.number
WHERE s.opted_out_at IS NOT NULL
    AND (s.opted_out_at, s.recipient) < (:at, :recipient)
    AND s.opted_out_at >= :since
    AND (
        :marks IS NULL
        OR EXISTS (SELECT 1 FROM json_each(:marks) AS mark WHERE instr(opt_out_marks, mark.value) > 0)
    )
ORDER BY s.opted_out_at DESC, s.recipient DESC;

-- name: last_scanned_opt_out
SELECT opted_out_at, recipient
FROM standings
WHERE opted_out_at IS NOT NULL
    AND (opted_out_at, recipient) < (:at, :recipient)
    AND opted_out_at >= :since
ORDER BY opted_out_at DESC, recipient DESC
LIMIT 1 OFFSET :scan - 1;

-- name: read_opted_out
SELECT s.value, (
    SELECT c.value
    FROM phones AS p
    JOIN customers AS c ON c.id = p.customer
    WHERE p.number = s.recipient
    ORDER BY p.customer
    LIMIT 1
)
FROM standings AS s
WHERE s.number = CAST(:recipient AS INTEGER) AND s.recipient = :recipient;

-- name: read_tallies
SELECT '[' || ifnull(group_concat(json_object(
    'day', day, 'kind', kind, 'reason', reason, 'count', count
), ',' ORDER BY day, kind, reason), '') || ']'
FROM (
    SELECT day, kind, reason, sum(count) AS count
    FROM tallies
    WHERE day >= :first
        AND day <= :last
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    GROUP BY day, kind, reason
);

-- name: read_opt_out_stories
-- Each opt-out by text with our last text before it that went out.
SELECT '[' || ifnull(group_concat(
    '{"entry":' || told.value
    || ',"received_at":' || (m.value -> 'created_at')
    || ',"last_outbound":' || ifnull((
        SELECT before.value
        FROM messages AS before INDEXED BY messages_of_recipient
        WHERE before.recipient = m.recipient
            AND before.seq < m.seq
            AND before.sender = m.sender
            AND before.direction = 'outbound'
            AND before.status IN ('sending', 'indeterminate', 'sent', 'delivered', 'read')
        ORDER BY before.seq DESC
        LIMIT 1
    ), 'null')
    || '}', ',' ORDER BY told.recorded_at DESC, told.seq DESC
), '') || ']'
FROM (
    SELECT seq, recorded_at, value
    FROM entries INDEXED BY entries_opted_out
    WHERE kind = 'opted_out'
        AND recorded_at >= :since
        AND recorded_at <= :until
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY recorded_at DESC, seq DESC
    LIMIT :limit
) AS told
JOIN messages AS m ON m.id = told.value ->> 'message';

-- name: read_signed_in
SELECT '[' || s.value || ',' || a.value || ']'
FROM sessions AS s
JOIN agents AS a ON a.id = s.agent
WHERE s.id = ?;

-- name: read_sessions
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT rowid AS seq, value FROM sessions WHERE agent = :agent ORDER BY rowid DESC LIMIT 100
);

-- What the doors and the console read. A list is one JSON text, newest first, and goes on where
-- the page before ended; a cursor that is unknown ends it.

-- name: read_facts
-- All that the gate asks of many recipients at once: a row for each who has a standing. The row that
-- is nobody's has the version of the directory, from the same snapshot. Rows, because a single text
-- of many standings takes the server a third longer to put together.
SELECT NULL AS recipient, version::text AS value
FROM directory_version
WHERE id = 1
UNION ALL
SELECT s.recipient, s.value
FROM standings AS s
WHERE s.recipient = ANY(:recipients::text::text[])

-- name: read_entries
-- The newest of each kind, and of those the newest: of a few kinds only those are looked at.
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.seq DESC), '') || ']'
FROM (
    SELECT newest.seq, newest.value
    FROM unnest(:kinds::text[]) AS wanted (kind),
        LATERAL (
            SELECT e.seq, e.value
            FROM entries AS e
            WHERE e.recipient = :recipient::text
                AND e.kind = wanted.kind
                AND (
                    :before::text IS NULL
                    OR e.seq < (SELECT b.seq FROM entries AS b WHERE b.id = :before::text LIMIT 1)
                )
                AND (:until::bigint IS NULL OR e.recorded_at <= :until::bigint)
                AND (:senders::text[] IS NULL OR e.sender IS NULL OR e.sender = ANY(:senders::text[]))
            ORDER BY e.seq DESC
            LIMIT :limit::bigint
        ) AS newest
    ORDER BY newest.seq DESC
    LIMIT :limit::bigint
) AS found

-- name: read_receipts
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id), '') || ']'
FROM (
    SELECT r.id, r.value
    FROM receipts AS r
    WHERE r.recipient = :recipient::text AND r.id > :after::text
    ORDER BY r.id
    LIMIT :limit::bigint
) AS found

-- name: read_audit
-- The newest of each kind, and of those the newest.
SELECT '[' || coalesce(string_agg(e.value, ',' ORDER BY e.seq DESC), '') || ']'
FROM (
    SELECT newest.recipient, newest.seq, wanted.kind
    FROM unnest(:kinds::text[]) AS wanted (kind),
        LATERAL (
            SELECT a.recipient, a.seq
            FROM audited AS a
            WHERE a.kind = wanted.kind
                AND (
                    :before::text IS NULL
                    OR a.seq < (SELECT b.seq FROM entries AS b WHERE b.id = :before::text LIMIT 1)
                )
            ORDER BY a.seq DESC
            LIMIT :limit::bigint
        ) AS newest
    ORDER BY newest.seq DESC
    LIMIT :limit::bigint
) AS found,
    LATERAL (
        SELECT told.seq, told.value
        FROM entries AS told
        WHERE told.recipient = found.recipient AND told.kind = found.kind AND told.seq = found.seq
        OFFSET 0
    ) AS e

-- name: read_audit_of_agent
SELECT '[' || coalesce(string_agg(e.value, ',' ORDER BY e.seq DESC), '') || ']'
FROM (
    SELECT newest.recipient, newest.seq, wanted.kind
    FROM unnest(:kinds::text[]) AS wanted (kind),
        LATERAL (
            SELECT a.recipient, a.seq
            FROM audited AS a
            WHERE a.agent = :agent::text
                AND a.kind = wanted.kind
                AND (
                    :before::text IS NULL
                    OR a.seq < (SELECT b.seq FROM entries AS b WHERE b.id = :before::text LIMIT 1)
                )
            ORDER BY a.seq DESC
            LIMIT :limit::bigint
        ) AS newest
    ORDER BY newest.seq DESC
    LIMIT :limit::bigint
) AS found,
    LATERAL (
        SELECT told.seq, told.value
        FROM entries AS told
        WHERE told.recipient = found.recipient AND told.kind = found.kind AND told.seq = found.seq
        OFFSET 0
    ) AS e

-- name: read_message
SELECT value FROM messages WHERE id = :id::text

-- name: read_first_message_after
SELECT id FROM messages WHERE id > :id::text ORDER BY id LIMIT 1

-- name: read_messages_by_id
SELECT '[' || coalesce(string_agg(m.value, ','), '') || ']'
FROM messages AS m
WHERE m.id = ANY(:ids::text[])

-- name: read_messages
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT m.id, m.value
    FROM messages AS m
    WHERE (
        :before::text IS NULL
        OR m.id < (SELECT b.id FROM messages AS b WHERE b.id = :before::text LIMIT 1)
    )
    ORDER BY m.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_messages_of_recipient
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT m.id, m.value
    FROM messages AS m
    WHERE m.recipient = :recipient::text
        AND (
            :before::text IS NULL
            OR m.id < (SELECT b.id FROM messages AS b WHERE b.id = :before::text LIMIT 1)
        )
        AND (:sender::text IS NULL OR m.sender = :sender::text)
        AND (:status::text IS NULL OR m.status = :status::text)
    ORDER BY m.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_messages_of_sender
-- The newest of either direction, and of those the newest.
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT newest.id, newest.value
    FROM (VALUES ('inbound'), ('outbound')) AS wanted (direction),
        LATERAL (
            SELECT m.id, m.value
            FROM messages AS m
            WHERE m.sender = :sender::text
                AND m.direction = wanted.direction
                AND (
                    :before::text IS NULL
                    OR m.id < (SELECT b.id FROM messages AS b WHERE b.id = :before::text LIMIT 1)
                )
                AND (:status::text IS NULL OR m.status = :status::text)
            ORDER BY m.id DESC
            LIMIT :limit::bigint
        ) AS newest
    ORDER BY newest.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_messages_in_status
-- Of those that went out; what came in has one status, and is a walk through all.
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT m.id, m.value
    FROM messages AS m
    WHERE m.direction = 'outbound'
        AND m.status = :status::text
        AND (
            :before::text IS NULL
            OR m.id < (SELECT b.id FROM messages AS b WHERE b.id = :before::text LIMIT 1)
        )
    ORDER BY m.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_messages_received
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT m.id, m.value
    FROM messages AS m
    WHERE m.direction = 'inbound'
        AND m.status = :status::text
        AND (
            :before::text IS NULL
            OR m.id < (SELECT b.id FROM messages AS b WHERE b.id = :before::text LIMIT 1)
        )
    ORDER BY m.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_indeterminate
SELECT '[' || coalesce(string_agg('{"job":' || found.job || ',"message":' || found.message || '}', ',' ORDER BY found.id), '') || ']'
FROM (
    SELECT j.message AS id, j.value AS job, m.value AS message
    FROM jobs AS j
    JOIN messages AS m ON m.id = j.message AND m.recipient = j.recipient
    WHERE j.state = 'indeterminate' AND j.message > :after::text
    ORDER BY j.message
    LIMIT :limit::bigint
) AS found

-- name: read_claimed
-- There are only ever a few.
SELECT '[' || coalesce(string_agg(j.value, ',' ORDER BY j.message), '') || ']'
FROM jobs AS j
WHERE j.state = 'claimed' AND (:messages::text[] IS NULL OR j.message = ANY(:messages::text[]))

-- name: list_senders
-- Leaps from sender to sender in the index.
WITH RECURSIVE found (sender) AS (
    (SELECT m.sender FROM messages AS m ORDER BY m.sender LIMIT 1)
    UNION ALL
    SELECT (SELECT m.sender FROM messages AS m WHERE m.sender > f.sender ORDER BY m.sender LIMIT 1)
    FROM found AS f
    WHERE f.sender IS NOT NULL
)
SELECT coalesce(array_agg(sender), '{}') FROM found WHERE sender IS NOT NULL

-- name: find_message
SELECT id FROM messages WHERE id = :id::text LIMIT 1

-- name: read_inbox
-- Looks at so many texts that came in, newest first, and gives those that are the newest of their
-- conversation with whom they are from; also how many it looked at, and where it ended.
WITH walked AS MATERIALIZED (
    SELECT newest.id, newest.recipient, newest.sender, newest.value
    FROM unnest(:senders::text[]) AS wanted (sender),
        LATERAL (
            SELECT m.id, m.recipient, m.sender, m.value
            FROM messages AS m
            WHERE m.sender = wanted.sender
                AND m.direction = 'inbound'
                AND (:before::text IS NULL OR m.id < :before::text)
            ORDER BY m.id DESC
            LIMIT :look::bigint
        ) AS newest
    ORDER BY newest.id DESC
    LIMIT :look::bigint
),
items AS (
    SELECT w.id, '{"message":' || w.value
        || ',"standing":' || coalesce((SELECT s.value FROM standings AS s WHERE s.recipient = w.recipient), '{}')
        || ',"customer":' || coalesce((
            SELECT c.value
            FROM phones AS p
            JOIN customers AS c ON c.id = p.customer
            WHERE p.number = w.recipient
            ORDER BY p.customer
            LIMIT 1
        ), 'null')
        || ',"mark":' || coalesce((
            SELECT k.value FROM marks AS k WHERE k.recipient = w.recipient AND k.sender = w.sender
        ), 'null')
        || '}' AS value
    FROM walked AS w
    WHERE NOT EXISTS (
        SELECT 1
        FROM messages AS newer
        WHERE newer.recipient = w.recipient
            AND newer.id > w.id
            AND newer.sender = w.sender
            AND newer.direction = 'inbound'
    )
        AND NOT (
            :open_only::boolean AND EXISTS (
                SELECT 1
                FROM marks AS k
                WHERE k.recipient = w.recipient
                    AND k.sender = w.sender
                    AND (k.value::json ->> 'done') COLLATE "C" >= w.id
            )
        )
    ORDER BY w.id DESC
    LIMIT :limit::bigint
)
SELECT
    (SELECT '[' || coalesce(string_agg(i.value, ',' ORDER BY i.id DESC), '') || ']' FROM items AS i) AS items,
    (SELECT count(*) FROM walked) AS looked_at,
    (SELECT min(id) FROM walked) AS ended

-- name: read_mark
SELECT value FROM marks WHERE recipient = :recipient::text AND sender = :sender::text

-- name: scan_opt_outs
-- Looks at so many opted-out numbers, newest first, and gives those that have the digits.
SELECT scanned.opted_out_at, scanned.recipient, scanned.value, (
    SELECT c.value
    FROM phones AS p
    JOIN customers AS c ON c.id = p.customer
    WHERE p.number = scanned.recipient
    ORDER BY p.customer
    LIMIT 1
) AS customer
FROM (
    SELECT s.opted_out_at, s.recipient, s.opt_out_marks, s.value
    FROM standings AS s
    WHERE s.opted_out_at IS NOT NULL
        AND (s.opted_out_at, s.recipient) < (:at::bigint, :recipient::text)
        AND s.opted_out_at >= :since::bigint
    ORDER BY s.opted_out_at DESC, s.recipient DESC
    LIMIT :scan::bigint
) AS scanned
WHERE strpos(scanned.recipient, :words::text) > 0
    AND (
        :marks::text[] IS NULL
        OR EXISTS (
            SELECT 1 FROM unnest(:marks::text[]) AS mark WHERE strpos(scanned.opt_out_marks, mark) > 0
        )
    )
LIMIT :limit::bigint

-- name: scan_opt_outs_of_named
-- The same, with the words in what a customer who has the number can be found by.
SELECT scanned.opted_out_at, scanned.recipient, scanned.value, (
    SELECT c.value
    FROM phones AS p
    JOIN customers AS c ON c.id = p.customer
    WHERE p.number = scanned.recipient
    ORDER BY p.customer
    LIMIT 1
) AS customer
FROM (
    SELECT s.opted_out_at, s.recipient, s.opt_out_marks, s.value
    FROM standings AS s
    WHERE s.opted_out_at IS NOT NULL
        AND (s.opted_out_at, s.recipient) < (:at::bigint, :recipient::text)
        AND s.opted_out_at >= :since::bigint
    ORDER BY s.opted_out_at DESC, s.recipient DESC
    LIMIT :scan::bigint
) AS scanned
WHERE EXISTS (
    SELECT 1
    FROM phones AS p
    JOIN customers AS c ON c.id = p.customer
    WHERE p.number = scanned.recipient AND strpos(c.search, :words::text) > 0
)
    AND (
        :marks::text[] IS NULL
        OR EXISTS (
            SELECT 1 FROM unnest(:marks::text[]) AS mark WHERE strpos(scanned.opt_out_marks, mark) > 0
        )
    )
LIMIT :limit::bigint

-- name: list_opt_outs_of_customers
-- The opted-out numbers of some customers.
SELECT s.opted_out_at, s.recipient, s.value, (
    SELECT c.value
    FROM phones AS p
    JOIN customers AS c ON c.id = p.customer
    WHERE p.number = s.recipient
    ORDER BY p.customer
    LIMIT 1
) AS customer
FROM standings AS s
WHERE s.recipient IN (SELECT p.number FROM phones AS p WHERE p.customer = ANY(:customers::text[]))
    AND s.opted_out_at IS NOT NULL
    AND (s.opted_out_at, s.recipient) < (:at::bigint, :recipient::text)
    AND s.opted_out_at >= :since::bigint
    AND (
        :marks::text[] IS NULL
        OR EXISTS (SELECT 1 FROM unnest(:marks::text[]) AS mark WHERE strpos(s.opt_out_marks, mark) > 0)
    )
ORDER BY s.opted_out_at DESC, s.recipient DESC
LIMIT :limit::bigint

-- name: last_scanned_opt_out
SELECT s.opted_out_at, s.recipient
FROM standings AS s
WHERE s.opted_out_at IS NOT NULL
    AND (s.opted_out_at, s.recipient) < (:at::bigint, :recipient::text)
    AND s.opted_out_at >= :since::bigint
ORDER BY s.opted_out_at DESC, s.recipient DESC
LIMIT 1 OFFSET :scan::bigint - 1

-- name: read_tallies
SELECT coalesce(json_agg(json_build_object(
    'day', counted.day, 'kind', counted.kind, 'reason', counted.reason, 'count', counted.count
) ORDER BY counted.day, counted.kind, counted.reason)::text, '[]')
FROM (
    SELECT t.day, t.kind, t.reason, sum(t.count)::bigint AS count
    FROM tallies AS t
    WHERE t.day >= :first::date
        AND t.day <= :last::date
        AND (:senders::text[] IS NULL OR t.sender = ANY(:senders::text[]))
    GROUP BY t.day, t.kind, t.reason
) AS counted

-- name: read_opt_out_stories
-- Each opt-out by text with our last text before it that went out.
SELECT '[' || coalesce(string_agg(
    '{"entry":' || told.value
    || ',"received_at":' || (m.value::json -> 'created_at')::text
    || ',"last_outbound":' || coalesce((
        SELECT earlier.value
        FROM messages AS earlier
        WHERE earlier.recipient = m.recipient
            AND earlier.id < m.id
            AND earlier.sender = m.sender
            AND earlier.direction = 'outbound'
            AND earlier.status IN ('sending', 'indeterminate', 'sent', 'delivered', 'read')
        ORDER BY earlier.id DESC
        LIMIT 1
    ), 'null')
    || '}', ',' ORDER BY told.recorded_at DESC, told.seq DESC
), '') || ']'
FROM (
    SELECT e.recipient, e.seq, e.recorded_at, e.value
    FROM entries AS e
    WHERE e.kind = 'opted_out'
        AND e.recorded_at >= :since::bigint
        AND e.recorded_at <= :until::bigint
        AND (:senders::text[] IS NULL OR e.sender = ANY(:senders::text[]))
    ORDER BY e.recorded_at DESC, e.seq DESC
    LIMIT :limit::bigint
) AS told,
    LATERAL (
        SELECT text.id, text.recipient, text.sender, text.value
        FROM messages AS text
        WHERE text.id = (told.value::json ->> 'message') AND text.recipient = told.recipient
        OFFSET 0
    ) AS m

-- name: read_agents
SELECT '[' || coalesce(string_agg(a.value, ',' ORDER BY a.seq), '') || ']' FROM agents AS a

-- name: read_signed_in
SELECT '[' || s.value || ',' || a.value || ']'
FROM sessions AS s
JOIN agents AS a ON a.id = s.agent
WHERE s.id = :id::text

-- name: read_sessions
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.seq DESC), '') || ']'
FROM (
    SELECT s.seq, s.value FROM sessions AS s WHERE s.agent = :agent::text ORDER BY s.seq DESC LIMIT 100
) AS found

-- name: read_customer
SELECT value FROM customers WHERE id = :id::text

-- name: read_customers
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT c.id, c.value
    FROM customers AS c
    WHERE c.merged_into IS NULL AND (:before::text IS NULL OR c.id < :before::text)
    ORDER BY c.id DESC
    LIMIT :limit::bigint
) AS found

-- name: search_newest
-- Looks through so many customers, newest first: common words are found here.
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT walked.id, walked.value
    FROM (
        SELECT c.id, c.value, c.search, c.merged_into
        FROM customers AS c
        WHERE :before::text IS NULL OR c.id < :before::text
        ORDER BY c.id DESC
        LIMIT :look::bigint
    ) AS walked
    WHERE walked.merged_into IS NULL AND strpos(walked.search, :words::text) > 0
    LIMIT :limit::bigint
) AS found

-- name: last_looked_at
SELECT c.id
FROM customers AS c
WHERE :before::text IS NULL OR c.id < :before::text
ORDER BY c.id DESC
LIMIT 1 OFFSET :look::bigint - 1

-- name: search_indexed
-- The grams find who may have the words, and the queue who is not indexed yet; the text itself
-- says who has them.
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT c.id, c.value
    FROM (
        SELECT g.customer FROM customer_grams AS g WHERE g.grams @> :grams::text[]
        UNION
        SELECT q.customer FROM search_queue AS q
        ORDER BY customer DESC
    ) AS maybe,
        LATERAL (
            SELECT known.id, known.value
            FROM customers AS known
            WHERE known.id = maybe.customer
                AND known.merged_into IS NULL
                AND strpos(known.search, :words::text) > 0
            OFFSET 0
        ) AS c
    WHERE :before::text IS NULL OR maybe.customer < :before::text
    LIMIT :limit::bigint
) AS found

-- name: count_newest_named
-- How many of the newest customers have the words: tells common words from rare ones.
SELECT count(*)
FROM (
    SELECT c.search, c.merged_into FROM customers AS c ORDER BY c.id DESC LIMIT :look::bigint
) AS walked
WHERE walked.merged_into IS NULL AND strpos(walked.search, :words::text) > 0

-- name: find_named
-- The ids of so many customers who have the words.
SELECT coalesce(array_agg(found.id), '{}')
FROM (
    SELECT c.id
    FROM (
        SELECT g.customer FROM customer_grams AS g WHERE g.grams @> :grams::text[]
        UNION
        SELECT q.customer FROM search_queue AS q
    ) AS maybe,
        LATERAL (
            SELECT known.id
            FROM customers AS known
            WHERE known.id = maybe.customer
                AND known.merged_into IS NULL
                AND strpos(known.search, :words::text) > 0
            OFFSET 0
        ) AS c
    LIMIT :limit::bigint
) AS found

-- name: read_profiles
SELECT '[' || coalesce(string_agg(c.value, ',' ORDER BY c.id), '') || ']'
FROM phones AS p
JOIN customers AS c ON c.id = p.customer
WHERE p.number = :number::text

-- name: read_carriers
SELECT '[' || coalesce(string_agg(c.value, ',' ORDER BY c.seq), '') || ']' FROM carriers AS c

-- name: read_templates
SELECT '[' || coalesce(string_agg(t.value, ',' ORDER BY t.seq), '') || ']' FROM templates AS t

-- name: read_keys
SELECT '[' || coalesce(string_agg(k.value, ',' ORDER BY k.seq), '') || ']' FROM api_keys AS k

-- name: read_recipients
SELECT '[' || coalesce(string_agg(
    '[' || to_json(found.recipient)::text || ',' || found.value || ']', ',' ORDER BY found.recipient
), '') || ']'
FROM (
    SELECT s.recipient, s.value
    FROM standings AS s
    WHERE s.recipient > :after::text
    ORDER BY s.recipient
    LIMIT :limit::bigint
) AS found

-- name: read_everybody
SELECT
    max(found.recipient),
    '[' || string_agg('[' || substr(found.recipient, 2) || ',' || found.value || ']', ',') || ']'
FROM (
    SELECT s.recipient, s.value
    FROM standings AS s
    WHERE s.recipient > :after::text
    ORDER BY s.recipient
    LIMIT :at_once::bigint
) AS found

-- name: read_erased
SELECT key, hash, value FROM erased ORDER BY key, hash

-- name: count_outbox
SELECT count(*) FROM jobs

-- name: read_answered
SELECT coalesce(json_agg(json_build_array(found.owner, found.key, found.created_at) ORDER BY found.owner, found.key), '[]')::text
FROM (
    SELECT i.owner, i.key, i.created_at
    FROM idempotency AS i
    WHERE (i.owner, i.key) > (:owner::text, :key::text)
    ORDER BY i.owner, i.key
    LIMIT :limit::bigint
) AS found

-- name: next_due
-- Leaps from sender to sender in the index, so that a long queue costs no more than a short one.
WITH RECURSIVE queued (sender) AS (
    (SELECT j.sender FROM jobs AS j WHERE j.state = 'queued' ORDER BY j.sender LIMIT 1)
    UNION ALL
    SELECT (
        SELECT j.sender
        FROM jobs AS j
        WHERE j.state = 'queued' AND j.sender > q.sender
        ORDER BY j.sender
        LIMIT 1
    )
    FROM queued AS q
    WHERE q.sender IS NOT NULL
)
SELECT coalesce(json_agg(json_build_array(due.sender, due.due_at))::text, '[]')
FROM (
    SELECT q.sender, (
        SELECT min((
            SELECT j.due_at
            FROM jobs AS j
            WHERE j.state = 'queued' AND j.sender = q.sender AND j.priority = priorities.priority
            ORDER BY j.due_at
            LIMIT 1
        ))
        FROM generate_series(0, 9) AS priorities (priority)
    ) AS due_at
    FROM queued AS q
    WHERE q.sender IS NOT NULL
) AS due

-- name: next_in_queue
SELECT q.customer, c.search
FROM search_queue AS q
LEFT JOIN customers AS c ON c.id = q.customer
ORDER BY q.customer
LIMIT :limit::bigint
FOR UPDATE OF q SKIP LOCKED

-- name: write_grams
INSERT INTO customer_grams (customer, grams)
SELECT w.customer, string_to_array(w.grams, ' ')
FROM unnest(:customers::text[], :grams::text[]) AS w (customer, grams)
ON CONFLICT (customer) DO UPDATE SET grams = excluded.grams

-- name: take_from_queue
DELETE FROM search_queue WHERE customer = ANY(:customers::text[])

-- name: read_changes
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM changes_seq

-- name: next_notices
-- Leaps from server to server in the index, so that a long queue costs no more than a short one.
WITH RECURSIVE waiting (host) AS (
    (SELECT n.host FROM notices AS n WHERE n.state = 'waiting' ORDER BY n.host LIMIT 1)
    UNION ALL
    SELECT (
        SELECT n.host
        FROM notices AS n
        WHERE n.state = 'waiting' AND n.host > w.host
        ORDER BY n.host
        LIMIT 1
    )
    FROM waiting AS w
    WHERE w.host IS NOT NULL
)
SELECT coalesce(json_agg(json_build_array(due.host, due.due_at))::text, '[]')
FROM (
    SELECT w.host, (
        SELECT n.due_at
        FROM notices AS n
        WHERE n.state = 'waiting' AND n.host = w.host
        ORDER BY n.due_at
        LIMIT 1
    ) AS due_at
    FROM waiting AS w
    WHERE w.host IS NOT NULL
) AS due

-- name: read_notices
-- Ids of one message begin with its own and a full stop, and sort in the order they are told. What
-- is not given up waits; said so, it is looked for by its id and not among all that wait.
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.due_at, found.id), '') || ']'
FROM (
    SELECT n.id, n.due_at, n.value
    FROM notices AS n
    WHERE n.state = 'waiting'
        AND n.host = :host::text
        AND n.due_at <= :due_at::bigint
        AND NOT EXISTS (
            SELECT 1
            FROM notices AS before
            WHERE before.id > n.message || '.'
                AND before.id < n.id
                AND before.recipient = n.recipient
                AND before.state <> 'given_up'
        )
    ORDER BY n.due_at, n.id
    LIMIT :limit::bigint
) AS found

-- name: count_notices
SELECT count(*) FROM notices WHERE state = 'waiting'

-- name: list_notices
-- Of each server and webhook, or of the one that is named, the first in the index: however many there
-- are behind them, they are not looked at. Each as [due_at, notice].
WITH RECURSIVE lanes (host) AS (
    SELECT coalesce(
        :lane::text,
        (SELECT n.host FROM notices AS n WHERE n.state = :state::text ORDER BY n.host LIMIT 1)
    )
    UNION ALL
    SELECT (
        SELECT n.host
        FROM notices AS n
        WHERE n.state = :state::text AND n.host > l.host
        ORDER BY n.host
        LIMIT 1
    )
    FROM lanes AS l
    WHERE l.host IS NOT NULL AND :lane::text IS NULL
)
SELECT '[' || coalesce(string_agg(
    '[' || found.due_at || ',' || found.value || ']', ',' ORDER BY found.due_at DESC, found.id DESC
), '') || ']'
FROM (
    SELECT n.id, n.due_at, n.value
    FROM lanes AS l
    CROSS JOIN LATERAL (
        SELECT f.id, f.due_at, f.value
        FROM notices AS f
        WHERE f.state = :state::text
            AND f.host = l.host
            AND (f.due_at, f.id) < (:before_at::bigint, :before_id::text)
            AND f.due_at BETWEEN coalesce(:since::bigint, 0)
                AND coalesce(:until::bigint, 9223372036854775807)
        ORDER BY f.due_at DESC, f.id DESC
        LIMIT :limit::bigint
    ) AS n
    ORDER BY n.due_at DESC, n.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_notice
SELECT value FROM notices WHERE id = :id::text

-- name: read_webhook_secrets
SELECT value FROM webhook_secrets WHERE id = :id::text

-- name: read_webhook_health
SELECT '[' || coalesce(string_agg(h.value, ',' ORDER BY h.seq), '') || ']' FROM webhook_health AS h

-- name: read_expiring
-- Each as [when, recipient, program, standing]: whether it still runs out, the standing says.
SELECT '[' || coalesce(string_agg(
    '[' || found.expires_at || ',' || to_json(found.recipient)::text || ','
    || to_json(found.program)::text || ',' || found.standing || ']',
    ',' ORDER BY found.expires_at, found.recipient, found.program
), '') || ']'
FROM (
    SELECT e.expires_at, e.recipient, e.program, s.value AS standing
    FROM expiries AS e
    JOIN standings AS s ON s.recipient = e.recipient
    WHERE
        (e.expires_at, e.recipient, e.program) > (:at::bigint, :recipient::text, :program::text)
        AND e.expires_at < :until::bigint
        AND (:programs::text[] IS NULL OR e.program = ANY(:programs::text[]))
    ORDER BY e.expires_at, e.recipient, e.program
    LIMIT :limit::bigint
) AS found

-- name: read_drifts
-- Ids sort by the time they were made, and begin with a letter before z.
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT d.id, d.value
    FROM drifts AS d
    WHERE
        d.id < coalesce(:before::text, 'z')
        AND (:state::text IS NULL OR d.state = :state::text)
        AND (:kind::text IS NULL OR d.kind = :kind::text)
        AND (:carrier::text IS NULL OR d.carrier = :carrier::text)
        AND (:recipient::text IS NULL OR d.recipient = :recipient::text)
        AND (:report::text IS NULL OR d.report = :report::text)
        AND (:senders::text[] IS NULL OR d.sender = ANY(:senders::text[]))
    ORDER BY d.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_drifts_in_state
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT d.id, d.value
    FROM drifts AS d
    WHERE
        d.state = :state::text
        AND d.id < coalesce(:before::text, 'z')
        AND (:state::text IS NULL OR d.state = :state::text)
        AND (:kind::text IS NULL OR d.kind = :kind::text)
        AND (:carrier::text IS NULL OR d.carrier = :carrier::text)
        AND (:recipient::text IS NULL OR d.recipient = :recipient::text)
        AND (:report::text IS NULL OR d.report = :report::text)
        AND (:senders::text[] IS NULL OR d.sender = ANY(:senders::text[]))
    ORDER BY d.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_drifts_of_report
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT d.id, d.value
    FROM drifts AS d
    WHERE
        d.report = :report::text
        AND d.id < coalesce(:before::text, 'z')
        AND (:state::text IS NULL OR d.state = :state::text)
        AND (:kind::text IS NULL OR d.kind = :kind::text)
        AND (:carrier::text IS NULL OR d.carrier = :carrier::text)
        AND (:recipient::text IS NULL OR d.recipient = :recipient::text)
        AND (:report::text IS NULL OR d.report = :report::text)
        AND (:senders::text[] IS NULL OR d.sender = ANY(:senders::text[]))
    ORDER BY d.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_drifts_of_recipient
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT d.id, d.value
    FROM drifts AS d
    WHERE
        d.recipient = :recipient::text
        AND d.id < coalesce(:before::text, 'z')
        AND (:state::text IS NULL OR d.state = :state::text)
        AND (:kind::text IS NULL OR d.kind = :kind::text)
        AND (:carrier::text IS NULL OR d.carrier = :carrier::text)
        AND (:recipient::text IS NULL OR d.recipient = :recipient::text)
        AND (:report::text IS NULL OR d.report = :report::text)
        AND (:senders::text[] IS NULL OR d.sender = ANY(:senders::text[]))
    ORDER BY d.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_drift
SELECT value FROM drifts WHERE id = :id::text

-- name: count_drifts
SELECT coalesce(json_object_agg(told.kind, told.count)::text, '{}')
FROM (SELECT kind, count(*) AS count FROM drifts WHERE state = 'open' GROUP BY kind) AS told

-- name: read_reconciliations
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT r.id, r.value
    FROM reconciliations AS r
    WHERE r.id < coalesce(:before::text, 'z')
    ORDER BY r.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_reconciliations_of_carrier
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT r.id, r.value
    FROM reconciliations AS r
    WHERE r.carrier = :carrier::text AND r.id < coalesce(:before::text, 'z')
    ORDER BY r.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_reconciliation
SELECT value FROM reconciliations WHERE id = :id::text

-- name: read_inbound
SELECT '[' || coalesce(string_agg(found.value, ','), '') || ']'
FROM unnest(:ids::text[]) AS wanted (id),
    LATERAL (
        SELECT m.value
        FROM messages AS m
        WHERE m.carrier_message_id = wanted.id
            AND m.carrier = :carrier::text
            AND m.direction = 'inbound'
        OFFSET 0
    ) AS found

-- name: read_calls_to_action
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.version DESC), '') || ']'
FROM (
    SELECT c.version, c.value
    FROM calls_to_action AS c
    WHERE c.id = :id::text AND c.version < coalesce(:before::bigint, 9223372036854775807)
    ORDER BY c.version DESC
    LIMIT :limit::bigint
) AS found

-- name: read_call_to_action
SELECT value FROM calls_to_action WHERE id = :id::text AND version = :version::bigint

-- name: read_reviews
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT r.id, r.value
    FROM reviews AS r
    WHERE
        r.id < coalesce(:before::text, 'z')
        AND (:state::text IS NULL OR r.state = :state::text)
        AND (:senders::text[] IS NULL OR r.sender = ANY(:senders::text[]))
    ORDER BY r.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_reviews_in_state
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT r.id, r.value
    FROM reviews AS r
    WHERE
        r.state = :state::text
        AND r.id < coalesce(:before::text, 'z')
        AND (:senders::text[] IS NULL OR r.sender = ANY(:senders::text[]))
    ORDER BY r.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_reviews_of_recipient
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT r.id, r.value
    FROM reviews AS r
    WHERE
        r.recipient = :recipient::text
        AND r.id < coalesce(:before::text, 'z')
        AND (:state::text IS NULL OR r.state = :state::text)
        AND (:senders::text[] IS NULL OR r.sender = ANY(:senders::text[]))
    ORDER BY r.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_review
SELECT value FROM reviews WHERE id = :id::text

-- name: count_reviews
SELECT count(*)
FROM reviews
WHERE state = 'open' AND (:senders::text[] IS NULL OR sender = ANY(:senders::text[]))

-- name: read_imports
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT i.id, i.value
    FROM imports AS i
    WHERE i.id < coalesce(:before::text, 'z')
    ORDER BY i.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_imports_of_key
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id DESC), '') || ']'
FROM (
    SELECT i.id, i.value
    FROM imports AS i
    WHERE i.key = :key::text AND i.id < coalesce(:before::text, 'z')
    ORDER BY i.id DESC
    LIMIT :limit::bigint
) AS found

-- name: read_import
SELECT value FROM imports WHERE id = :id::text

-- name: read_import_parts
SELECT '[' || coalesce(string_agg(p.value, ',' ORDER BY p.part), '') || ']'
FROM import_parts AS p
WHERE p.run = :run::text AND p.block = :block::bigint

-- name: read_entries_after
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id), '') || ']'
FROM (
    SELECT e.id, e.value
    FROM entries AS e
    WHERE e.id > :after::text
    ORDER BY e.id
    LIMIT :limit::bigint
) AS found

-- What a batch of commands must be shown. Each query answers for the whole batch with one row
-- that is one JSON text, so that the database works through it in a single step, outside the
-- interpreter's lock, and the answer is decoded in a single call.

-- name: load_standings
SELECT '{' || ifnull(group_concat(json_quote(s.recipient) || ':' || s.value), '') || '}'
FROM json_each(:keys) AS wanted
CROSS JOIN standings AS s
    ON s.number = CAST(wanted.value AS INTEGER) AND s.recipient = wanted.value;

-- name: load_inbound
SELECT '[' || ifnull(group_concat(m.value), '') || ']'
FROM json_each(:keys) AS wanted
JOIN messages AS m
    ON m.carrier = wanted.value ->> 0
    AND m.carrier_message_id = wanted.value ->> 1
    AND m.direction = 'inbound';

-- name: load_outbound
SELECT '[' || ifnull(group_concat(m.value, ',' ORDER BY m.id), '') || ']'
FROM json_each(:keys) AS wanted
JOIN messages AS m
    ON m.carrier = wanted.value ->> 0
    AND m.carrier_message_id = wanted.value ->> 1
    AND m.direction = 'outbound';

-- name: load_messages
SELECT '[' || ifnull(group_concat(value), '') || ']'
FROM messages
WHERE id IN (SELECT value FROM json_each(:keys));

-- name: load_work_of_messages
SELECT '[' || ifnull(group_concat('{"job":' || j.value || ',"message":' || m.value || '}'), '') || ']'
FROM jobs AS j
JOIN messages AS m ON m.id = j.message
WHERE j.message IN (SELECT value FROM json_each(:keys));

-- name: load_work_of_recipients
SELECT '[' || ifnull(group_concat('{"job":' || j.value || ',"message":' || m.value || '}'), '') || ']'
FROM jobs AS j
JOIN messages AS m ON m.id = j.message
WHERE j.recipient IN (SELECT value FROM json_each(:keys));

-- name: load_due_work
-- One range of the index for each sender and priority, so that texts scheduled for later are
-- never walked through. The limit is the largest of all senders': the rest is left out later.
SELECT '[' || ifnull(group_concat(found.works), '') || ']'
FROM (
    SELECT (
        SELECT group_concat('{"job":' || due.value || ',"message":' || m.value || '}')
        FROM (
            SELECT j.message, j.value
            FROM jobs AS j
            WHERE j.state = 'queued'
                AND j.sender = wanted.value
                AND j.priority = priorities.value
                AND j.due_at <= :now
            ORDER BY j.due_at, j.message
            LIMIT :limit
        ) AS due
        JOIN messages AS m ON m.id = due.message
    ) AS works
    FROM json_each(:keys) AS wanted, json_each('[0,1,2,3,4,5,6,7,8,9]') AS priorities
) AS found;

-- name: load_unmatched_receipts
SELECT '[' || ifnull(group_concat(r.value, ',' ORDER BY r.id), '') || ']'
FROM json_each(:keys) AS wanted
JOIN receipts AS r
    ON r.carrier = wanted.value ->> 0
    AND r.carrier_message_id = wanted.value ->> 1
    AND r.message IS NULL;

-- name: load_refusals
-- The newest thousand of each sender are enough to see a burst.
SELECT '{' || ifnull(group_concat(json_quote(wanted.value) || ':' || (
    SELECT json_group_array(newest.recorded_at)
    FROM (
        SELECT e.recorded_at
        FROM entries AS e
        WHERE e.kind = 'carrier_refused' AND e.sender = wanted.value
        ORDER BY e.recorded_at DESC
        LIMIT 1000
    ) AS newest
)), '') || '}'
FROM json_each(:keys) AS wanted;

-- name: load_holders
SELECT '[' || ifnull(group_concat(json_array(number, customer)), '') || ']'
FROM phones
WHERE number IN (SELECT value FROM json_each(:keys));

-- name: load_customers
SELECT '[' || ifnull(group_concat(value), '') || ']'
FROM customers
WHERE id IN (SELECT value FROM json_each(:keys));

-- name: load_idempotency
SELECT '[' || ifnull(group_concat(i.value), '') || ']'
FROM json_each(:keys) AS wanted
JOIN idempotency AS i
    ON i.owner = wanted.value ->> 0
    AND i.key = wanted.value ->> 1;

-- name: load_agents
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY rowid), '') || ']' FROM agents;

-- name: load_processes
SELECT '[' || ifnull(group_concat(value), '') || ']' FROM processes;

-- name: load_sign_in_links
SELECT '[' || ifnull(group_concat(value), '') || ']'
FROM sign_in_links
WHERE id IN (SELECT value FROM json_each(:keys));

-- name: load_sessions
SELECT '[' || ifnull(group_concat(value), '') || ']'
FROM sessions
WHERE id IN (SELECT value FROM json_each(:keys));

-- name: load_marks
SELECT '[' || ifnull(group_concat(m.value), '') || ']'
FROM json_each(:keys) AS wanted
JOIN marks AS m
    ON m.recipient = wanted.value ->> 0
    AND m.sender = wanted.value ->> 1;

-- name: load_directory_version
SELECT version FROM directory_version WHERE id = 1;

-- name: load_directory
-- With its version, from one snapshot.
SELECT (SELECT version FROM directory_version WHERE id = 1), '{"brands":{'
    || (SELECT ifnull(group_concat(json_quote(id) || ':' || value, ',' ORDER BY rowid), '') FROM brands)
    || '},"senders":{'
    || (SELECT ifnull(group_concat(json_quote(id) || ':' || value, ',' ORDER BY rowid), '') FROM senders)
    || '},"programs":{'
    || (SELECT ifnull(group_concat(json_quote(id) || ':' || value, ',' ORDER BY rowid), '') FROM programs)
    || '},"calls_to_action":{'
    || (
        SELECT ifnull(group_concat(json_quote(id) || ':' || value, ',' ORDER BY id), '')
        -- SQLite takes the value of the row that has the greatest version.
        FROM (SELECT id, max(version), value FROM calls_to_action GROUP BY id) AS newest
    )
    || '},"keywords":{'
    || (
        SELECT ifnull(group_concat(json_quote(id) || ':' || value, ',' ORDER BY rowid), '')
        FROM keywords
        WHERE value ->> 'removed_at' IS NULL
    )
    || '},"webhooks":{'
    || (
        SELECT ifnull(group_concat(json_quote(id) || ':' || value, ',' ORDER BY rowid), '')
        FROM webhooks
        WHERE value ->> 'removed_at' IS NULL
    )
    || '},"erased_keys":'
    || (SELECT json_group_array(id) FROM erasure_keys)
    || '}';

-- name: load_erased
SELECT '[' || ifnull(group_concat('[' || json_quote(e.key) || ',' || json_quote(e.hash) || ',' || e.value || ']'), '') || ']'
FROM json_each(:keys) AS wanted
CROSS JOIN erased AS e ON e.key = wanted.value ->> 0 AND e.hash = wanted.value ->> 1;

-- name: load_erased_texts
SELECT '[' || ifnull(group_concat(json_array(e.key, e.hash)), '') || ']'
FROM json_each(:keys) AS wanted
CROSS JOIN erased_texts AS e ON e.key = wanted.value ->> 0 AND e.hash = wanted.value ->> 1;

-- name: load_drifts
SELECT '[' || ifnull(group_concat(value), '') || ']'
FROM drifts
WHERE recipient IN (SELECT value FROM json_each(:keys));

-- name: load_reviews
SELECT '[' || ifnull(group_concat(value), '') || ']'
FROM reviews
WHERE id IN (SELECT value FROM json_each(:keys));

-- name: load_imports
SELECT '[' || ifnull(group_concat(value), '') || ']'
FROM imports
WHERE id IN (SELECT value FROM json_each(:keys));

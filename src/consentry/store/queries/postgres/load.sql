-- What a batch of commands must be shown. Each query answers for the whole batch with one JSON
-- text, and those that a batch needs are put into one statement: one trip, one snapshot.
--
-- Where something is looked up for each of some keys, it is a LATERAL with `OFFSET 0`: so the keys
-- come first whatever the planner knows of the tables, which is nothing while they are new.

-- name: standings
SELECT '{' || coalesce(string_agg(to_json(s.recipient)::text || ':' || s.value, ','), '') || '}'
FROM standings AS s
WHERE s.recipient = ANY(:recipients::text[])

-- name: inbound
SELECT '[' || coalesce(string_agg(found.value, ','), '') || ']'
FROM unnest(:inbound_carriers::text[], :inbound_ids::text[]) AS wanted (carrier, id),
    LATERAL (
        SELECT m.value
        FROM messages AS m
        WHERE m.carrier_message_id = wanted.id
            AND m.carrier = wanted.carrier
            AND m.direction = 'inbound'
        OFFSET 0
    ) AS found

-- name: outbound
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id), '') || ']'
FROM unnest(:outbound_carriers::text[], :outbound_ids::text[]) AS wanted (carrier, id),
    LATERAL (
        SELECT m.id, m.value
        FROM messages AS m
        WHERE m.carrier_message_id = wanted.id
            AND m.carrier = wanted.carrier
            AND m.direction = 'outbound'
        OFFSET 0
    ) AS found

-- name: messages
SELECT '[' || coalesce(string_agg(m.value, ','), '') || ']'
FROM messages AS m
WHERE m.id = ANY(:messages::text[])

-- name: work_of_messages
SELECT '[' || coalesce(string_agg('{"job":' || j.value || ',"message":' || m.value || '}', ','), '') || ']'
FROM jobs AS j,
    LATERAL (
        SELECT of_job.value
        FROM messages AS of_job
        WHERE of_job.id = j.message AND of_job.recipient = j.recipient
        OFFSET 0
    ) AS m
WHERE j.message = ANY(:messages::text[])

-- name: work_of_outbound
SELECT '[' || coalesce(string_agg('{"job":' || j.value || ',"message":' || m.value || '}', ','), '') || ']'
FROM unnest(:outbound_carriers::text[], :outbound_ids::text[]) AS wanted (carrier, id),
    LATERAL (
        SELECT sent.id, sent.recipient, sent.value
        FROM messages AS sent
        WHERE sent.carrier_message_id = wanted.id
            AND sent.carrier = wanted.carrier
            AND sent.direction = 'outbound'
        OFFSET 0
    ) AS m,
    LATERAL (
        SELECT known.value
        FROM jobs AS known
        WHERE known.message = m.id AND known.recipient = m.recipient
        OFFSET 0
    ) AS j

-- name: work_of_recipients
SELECT '[' || coalesce(string_agg('{"job":' || j.value || ',"message":' || m.value || '}', ','), '') || ']'
FROM jobs AS j,
    LATERAL (
        SELECT of_job.value
        FROM messages AS of_job
        WHERE of_job.id = j.message AND of_job.recipient = j.recipient
        OFFSET 0
    ) AS m
WHERE j.recipient = ANY(:queues::text[])

-- name: due_work
-- Of recipients that are held. The limit is the largest of all senders': the rest is left out
-- later.
SELECT '[' || coalesce(string_agg(found.works, ','), '') || ']'
FROM (
    SELECT (
        SELECT string_agg('{"job":' || due.value || ',"message":' || m.value || '}', ',')
        FROM (
            SELECT j.message, j.recipient, j.value
            FROM jobs AS j
            WHERE j.state = 'queued'
                AND j.sender = wanted.sender
                AND j.priority = priorities.priority
                AND j.due_at <= :now::bigint
                AND j.recipient = ANY(:held::text[])
            ORDER BY j.due_at, j.message
            LIMIT :due_limit::bigint
        ) AS due,
            LATERAL (
                SELECT of_job.value
                FROM messages AS of_job
                WHERE of_job.id = due.message AND of_job.recipient = due.recipient
                OFFSET 0
            ) AS m
    ) AS works
    FROM unnest(:due_senders::text[]) AS wanted (sender),
        generate_series(0, 9) AS priorities (priority)
) AS found

-- name: receipts
SELECT '[' || coalesce(string_agg(found.value, ',' ORDER BY found.id), '') || ']'
FROM unnest(:receipt_carriers::text[], :receipt_ids::text[]) AS wanted (carrier, id),
    LATERAL (
        SELECT r.id, r.value
        FROM receipts AS r
        WHERE r.carrier_message_id = wanted.id AND r.carrier = wanted.carrier AND r.message IS NULL
        OFFSET 0
    ) AS found

-- name: refusals
-- The newest thousand of each sender are enough to see a burst.
SELECT '{' || coalesce(string_agg(to_json(wanted.sender)::text || ':' || (
    SELECT coalesce(json_agg(newest.recorded_at)::text, '[]')
    FROM (
        SELECT e.recorded_at
        FROM entries AS e
        WHERE e.kind = 'carrier_refused' AND e.sender = wanted.sender
        ORDER BY e.recorded_at DESC
        LIMIT 1000
    ) AS newest
), ','), '') || '}'
FROM unnest(:refusals::text[]) AS wanted (sender)

-- name: holders
SELECT coalesce(json_agg(json_build_array(p.number, p.customer))::text, '[]')
FROM phones AS p
WHERE p.number = ANY(:profiles::text[])

-- name: customers
SELECT '[' || coalesce(string_agg(c.value, ','), '') || ']'
FROM customers AS c
WHERE c.id = ANY(:customers::text[])

-- name: idempotency
SELECT '[' || coalesce(string_agg(found.value, ','), '') || ']'
FROM unnest(:owners::text[], :keys::text[]) AS wanted (owner, key),
    LATERAL (
        SELECT i.value FROM idempotency AS i WHERE i.owner = wanted.owner AND i.key = wanted.key OFFSET 0
    ) AS found

-- name: agents
SELECT '[' || coalesce(string_agg(a.value, ',' ORDER BY a.seq), '') || ']' FROM agents AS a

-- name: processes
SELECT '[' || coalesce(string_agg(p.value, ','), '') || ']' FROM processes AS p

-- name: links
SELECT '[' || coalesce(string_agg(l.value, ','), '') || ']'
FROM sign_in_links AS l
WHERE l.id = ANY(:links::text[])

-- name: sessions
SELECT '[' || coalesce(string_agg(s.value, ','), '') || ']'
FROM sessions AS s
WHERE s.id = ANY(:sessions::text[])

-- name: marks
SELECT '[' || coalesce(string_agg(found.value, ','), '') || ']'
FROM unnest(:mark_recipients::text[], :mark_senders::text[]) AS wanted (recipient, sender),
    LATERAL (
        SELECT m.value
        FROM marks AS m
        WHERE m.recipient = wanted.recipient AND m.sender = wanted.sender
        OFFSET 0
    ) AS found

-- name: drifts
SELECT '[' || coalesce(string_agg(d.value, ','), '') || ']'
FROM drifts AS d
WHERE d.recipient = ANY(:drifts_of::text[])

-- name: reviews
SELECT '[' || coalesce(string_agg(r.value, ','), '') || ']'
FROM reviews AS r
WHERE r.id = ANY(:review_ids::text[])

-- name: imports
SELECT '[' || coalesce(string_agg(i.value, ','), '') || ']'
FROM imports AS i
WHERE i.id = ANY(:import_ids::text[])

-- name: directory_version
SELECT version FROM directory_version WHERE id = 1

-- name: directory
-- With its version, from one snapshot.
SELECT
    (SELECT version FROM directory_version WHERE id = 1) AS version,
    '{"brands":{'
    || (SELECT coalesce(string_agg(to_json(id)::text || ':' || value, ',' ORDER BY seq), '') FROM brands)
    || '},"senders":{'
    || (SELECT coalesce(string_agg(to_json(id)::text || ':' || value, ',' ORDER BY seq), '') FROM senders)
    || '},"programs":{'
    || (SELECT coalesce(string_agg(to_json(id)::text || ':' || value, ',' ORDER BY seq), '') FROM programs)
    || '},"calls_to_action":{'
    || (
        SELECT coalesce(string_agg(to_json(c.id)::text || ':' || c.value, ',' ORDER BY c.id), '')
        FROM calls_to_action AS c
        WHERE c.version = (SELECT max(version) FROM calls_to_action WHERE id = c.id)
    )
    || '},"keywords":{'
    || (
        SELECT coalesce(string_agg(to_json(id)::text || ':' || value, ',' ORDER BY seq), '')
        FROM keywords
        WHERE value::json ->> 'removed_at' IS NULL
    )
    || '},"webhooks":{'
    || (
        SELECT coalesce(string_agg(to_json(id)::text || ':' || value, ',' ORDER BY seq), '')
        FROM webhooks
        WHERE value::json ->> 'removed_at' IS NULL
    )
    || '},"erased_keys":'
    || (SELECT coalesce(json_agg(id), '[]')::text FROM erasure_keys)
    || '}' AS directory

-- name: erased
SELECT e.key, e.hash, e.value
FROM unnest(:hash_keys::text[], :hashes::text[]) AS wanted (key, hash)
JOIN erased AS e ON e.key = wanted.key AND e.hash = wanted.hash

-- name: erased_texts
SELECT e.key, e.hash
FROM unnest(:hash_keys::text[], :hashes::text[]) AS wanted (key, hash)
JOIN erased_texts AS e ON e.key = wanted.key AND e.hash = wanted.hash

-- name: recipients_of
-- Whom messages are for: to be held before they are looked at.
SELECT coalesce(array_agg(DISTINCT found.recipient), '{}')
FROM (
    SELECT m.recipient FROM messages AS m WHERE m.id = ANY(:messages::text[])
    UNION ALL
    SELECT sent.recipient
    FROM unnest(:outbound_carriers::text[], :outbound_ids::text[]) AS wanted (carrier, id),
        LATERAL (
            SELECT m.recipient
            FROM messages AS m
            WHERE m.carrier_message_id = wanted.id
                AND m.carrier = wanted.carrier
                AND m.direction = 'outbound'
            OFFSET 0
        ) AS sent
) AS found

-- name: due_recipients
-- Most urgent first, for whom jobs are due; so many more as others may hold.
SELECT coalesce(array_agg(found.recipient), '{}')
FROM (
    SELECT due.recipient
    FROM unnest(:due_senders::text[]) AS wanted (sender),
        generate_series(0, 9) AS priorities (priority),
        LATERAL (
            SELECT j.recipient
            FROM jobs AS j
            WHERE j.state = 'queued'
                AND j.sender = wanted.sender
                AND j.priority = priorities.priority
                AND j.due_at <= :now::bigint
            ORDER BY j.due_at, j.message
            LIMIT :due_limit::bigint
        ) AS due
    ORDER BY priorities.priority
) AS found

-- name: hold_if_free
-- Holds, of these, those whom nobody else holds, up to a limit.
SELECT coalesce(array_agg(tried.key), '{}')
FROM (
    SELECT wanted.key
    FROM unnest(:lock_keys::bigint[]) AS wanted (key)
    WHERE pg_try_advisory_xact_lock(wanted.key)
    LIMIT :hold_limit::bigint
) AS tried

-- What is held of one number, and how it is destroyed. docs/howto/privacy.md lists what becomes of
-- the rows of each table.

-- name: held
SELECT '{"places":'
    || (SELECT coalesce(json_agg(seq ORDER BY seq), '[]')::text FROM entries WHERE recipient = :number::text)
    || ',"newest_at":'
    || coalesce((
        SELECT max(recorded_at) FROM entries
        WHERE recipient = :number::text AND kind NOT IN ('customer_viewed', 'customer_changed')
    )::text, 'null')
    || ',"customers":[' || coalesce((
        SELECT string_agg(c.value, ',' ORDER BY c.id)
        FROM phones AS p
        JOIN customers AS c ON c.id = p.customer
        WHERE p.number = :number::text
    ), '')
    || '],"texts":' || (
        SELECT coalesce(json_agg(json_build_object(
            'direction', direction,
            'carrier', carrier,
            'carrier_message_id', carrier_message_id,
            'updated_at', value::json ->> 'updated_at',
            'id', id,
            'body', value::json ->> 'body'
        )), '[]')::text
        FROM messages
        WHERE recipient = :number::text AND carrier IS NOT NULL AND carrier_message_id IS NOT NULL
    )
    || ',"opt_ins":' || (
        SELECT coalesce(json_agg(value::json ->> 'message'), '[]')::text
        FROM entries
        WHERE recipient = :number::text
            AND value::json ->> 'message' IS NOT NULL
            AND value::json -> 'carrier_reading' ->> 'word' = 'opt_in'
    )
    || ',"rows":' || json_build_object(
        'standings', (SELECT count(*) FROM standings WHERE recipient = :number::text),
        'messages', (SELECT count(*) FROM messages WHERE recipient = :number::text),
        'jobs', (SELECT count(*) FROM jobs WHERE recipient = :number::text),
        'receipts', (SELECT count(*) FROM receipts WHERE recipient = :number::text),
        'notices', (SELECT count(*) FROM notices WHERE recipient = :number::text),
        'marks', (SELECT count(*) FROM marks WHERE recipient = :number::text),
        'drifts', (SELECT count(*) FROM drifts WHERE recipient = :number::text),
        'reviews', (SELECT count(*) FROM reviews WHERE recipient = :number::text),
        'expiries', (SELECT count(*) FROM expiries WHERE recipient = :number::text)
    )::text
    || '}'

-- name: entries_that_may_mention
-- Entries about nobody, and what the histories of the other numbers of a profile say of changes.
SELECT seq, recipient, kind, value
FROM entries
WHERE (recipient = '' OR (recipient = ANY(:others::text[]) AND kind = 'customer_changed'))
    AND seq > :after::bigint
ORDER BY seq
LIMIT :limit::bigint

-- name: merged_customers
SELECT id, merged_into
FROM customers
WHERE merged_into = ANY(:gone::text[])

-- name: answers_after
SELECT owner, key, value
FROM idempotency
WHERE (owner, key) > (:owner::text, :key::text)
ORDER BY owner, key
LIMIT :limit::bigint

-- name: permit
-- For this transaction alone.
SELECT set_config('consentry.ledger_permission', :purpose::text, true)

-- name: destroy_entries
-- What is left says that an entry was there, and when it was recorded.
UPDATE entries
SET recipient = 'erased',
    kind = 'entry_erased',
    sender = NULL,
    value = '{"id":' || to_json(id)::text || ',"recipient":"erased","kind":"entry_erased","at":'
        || to_json(value::json ->> 'recorded_at')::text
        || ',"recorded_at":' || to_json(value::json ->> 'recorded_at')::text
        || ',"actor":{"kind":"system"}}'
WHERE id = ANY(
    SELECT e.id
    FROM entries AS e
    WHERE e.seq = ANY(:places::bigint[]) AND e.recipient = ANY(:recipients::text[])
)

-- name: destroy_audited
DELETE FROM audited WHERE seq = ANY(:places::bigint[]) AND recipient = ANY(:recipients::text[])

-- name: destroy_standings
DELETE FROM standings WHERE recipient = :number::text

-- name: destroy_messages
DELETE FROM messages WHERE recipient = :number::text

-- name: destroy_jobs
DELETE FROM jobs WHERE recipient = :number::text

-- name: destroy_receipts
DELETE FROM receipts WHERE recipient = :number::text

-- name: destroy_notices
DELETE FROM notices WHERE recipient = :number::text

-- name: destroy_marks
DELETE FROM marks WHERE recipient = :number::text

-- name: destroy_drifts
DELETE FROM drifts WHERE recipient = :number::text

-- name: destroy_reviews
DELETE FROM reviews WHERE recipient = :number::text

-- name: destroy_expiries
DELETE FROM expiries WHERE recipient = :number::text

-- name: let_go
DELETE FROM erased AS e
USING unnest(:hash_keys::text[], :hashes::text[]) AS gone (key, hash)
WHERE e.key = gone.key AND e.hash = gone.hash

-- name: keep
INSERT INTO erased (key, hash, erased_at, value)
VALUES (:key::text, :hash::text, :erased_at::bigint, :value::text)

-- name: keep_texts
INSERT INTO erased_texts (key, hash, until)
SELECT unnest(:hash_keys::text[]), unnest(:hashes::text[]), unnest(:until::bigint[])
ON CONFLICT (key, hash) DO UPDATE SET until = excluded.until

-- name: use_key
INSERT INTO erasure_keys (id) VALUES (:key::text) ON CONFLICT DO NOTHING

-- name: customers_of
SELECT '[' || coalesce(string_agg(c.value, ',' ORDER BY c.id), '') || ']'
FROM phones AS p
JOIN customers AS c ON c.id = p.customer
WHERE p.number = :number::text

-- name: last_seen
-- A few numbers of the index, one after the other; that somebody looked at them does not count.
WITH RECURSIVE numbers (recipient, place) AS (
    SELECT (
        SELECT min(recipient) FROM entries
        WHERE recipient > greatest(:after::text COLLATE "C", '+' COLLATE "C") AND recipient < ','
    ), 1
    UNION ALL
    SELECT (
        SELECT min(e.recipient) FROM entries AS e
        WHERE e.recipient > n.recipient AND e.recipient < ','
    ), n.place + 1
    FROM numbers AS n
    WHERE n.recipient IS NOT NULL AND n.place < :limit::bigint
)
SELECT n.recipient, coalesce(
    (
        SELECT max(recorded_at) FROM entries
        WHERE recipient = n.recipient AND kind NOT IN ('customer_viewed', 'customer_changed')
    ),
    (SELECT max(recorded_at) FROM entries WHERE recipient = n.recipient)
) AS at
FROM numbers AS n
WHERE n.recipient IS NOT NULL
ORDER BY n.recipient

-- name: rows_of_number
SELECT '{"entries":['
    || coalesce((SELECT string_agg(value, ',' ORDER BY seq) FROM entries WHERE recipient = :number::text), '')
    || '],"standings":['
    || coalesce((SELECT string_agg(value, ',') FROM standings WHERE recipient = :number::text), '')
    || '],"messages":['
    || coalesce((SELECT string_agg(value, ',') FROM messages WHERE recipient = :number::text), '')
    || '],"jobs":['
    || coalesce((SELECT string_agg(value, ',') FROM jobs WHERE recipient = :number::text), '')
    || '],"receipts":['
    || coalesce((SELECT string_agg(value, ',') FROM receipts WHERE recipient = :number::text), '')
    || '],"notices":['
    || coalesce((SELECT string_agg(value, ',') FROM notices WHERE recipient = :number::text), '')
    || '],"marks":['
    || coalesce((SELECT string_agg(value, ',') FROM marks WHERE recipient = :number::text), '')
    || '],"drifts":['
    || coalesce((SELECT string_agg(value, ',') FROM drifts WHERE recipient = :number::text), '')
    || '],"reviews":['
    || coalesce((SELECT string_agg(value, ',') FROM reviews WHERE recipient = :number::text), '')
    || '],"expiries":['
    || coalesce((SELECT string_agg(value, ',') FROM expiries WHERE recipient = :number::text), '')
    || ']}'

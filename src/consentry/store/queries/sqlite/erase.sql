-- What is held of one number, and how it is destroyed. docs/howto/privacy.md lists what becomes of
-- the rows of each table.

-- name: held
SELECT '{"places":' || (SELECT json_group_array(seq ORDER BY seq) FROM entries WHERE recipient = :number)
    || ',"newest_at":' || ifnull((
        SELECT recorded_at FROM entries
        WHERE seq = (
            SELECT max(seq) FROM entries
            WHERE recipient = :number AND kind NOT IN ('customer_viewed', 'customer_changed')
        )
    ), 'null')
    || ',"customers":[' || ifnull((
        SELECT group_concat(c.value, ',' ORDER BY c.id)
        FROM phones AS p
        CROSS JOIN customers AS c ON c.id = p.customer
        WHERE p.number = :number
    ), '')
    || '],"texts":' || (
        SELECT json_group_array(json_object(
            'direction', direction,
            'carrier', carrier,
            'carrier_message_id', carrier_message_id,
            'updated_at', value ->> 'updated_at',
            'id', id,
            'body', value ->> 'body'
        ))
        FROM messages
        WHERE recipient = :number AND carrier IS NOT NULL AND carrier_message_id IS NOT NULL
    )
    || ',"opt_ins":' || (
        SELECT json_group_array(value ->> 'message')
        FROM entries
        WHERE recipient = :number
            AND value ->> 'message' IS NOT NULL
            AND value ->> '$.carrier_reading.word' = 'opt_in'
    )
    || ',"rows":' || json_object(
        'standings', (
            SELECT count(*) FROM standings
            WHERE number = CAST(:number AS INTEGER) AND recipient = :number
        ),
        'messages', (SELECT count(*) FROM messages WHERE recipient = :number),
        'jobs', (SELECT count(*) FROM jobs WHERE recipient = :number),
        'receipts', (SELECT count(*) FROM receipts WHERE recipient = :number),
        'notices', (
            SELECT count(*) FROM notices
            WHERE recipient = :number AND state = 'given_up'
                OR recipient = :number AND state = 'waiting'
        ),
        'marks', (SELECT count(*) FROM marks WHERE recipient = :number),
        'drifts', (SELECT count(*) FROM drifts WHERE recipient = :number),
        'reviews', (SELECT count(*) FROM reviews WHERE recipient = :number),
        'expiries', (SELECT count(*) FROM expiries WHERE recipient = :number)
    )
    || '}';

-- name: entries_that_may_mention
-- Entries about nobody, and what the histories of the other numbers of a profile say of changes.
SELECT seq, recipient, kind, value FROM entries WHERE recipient = ''
UNION ALL
SELECT e.seq, e.recipient, e.kind, e.value
FROM json_each(:others) AS other
CROSS JOIN entries AS e ON e.recipient = other.value AND e.kind = 'customer_changed';

-- name: merged_customers
SELECT id, merged_into
FROM customers
WHERE merged_into IN (SELECT value FROM json_each(:gone));

-- name: answers_after
SELECT owner, key, value
FROM idempotency
WHERE (owner, key) > (:owner, :key)
ORDER BY owner, key
LIMIT :limit;

-- name: permit
INSERT INTO ledger_permissions (purpose) VALUES (:purpose);

-- name: forbid
DELETE FROM ledger_permissions;

-- name: destroy_entries
-- What is left says that an entry was there, and when it was recorded.
UPDATE entries
SET recipient = 'erased',
    kind = 'entry_erased',
    sender = NULL,
    value = '{"id":"' || id || '","recipient":"erased","kind":"entry_erased","at":'
        || json_quote(value ->> 'recorded_at') || ',"recorded_at":' || json_quote(value ->> 'recorded_at')
        || ',"actor":{"kind":"system"}}'
WHERE seq IN (SELECT value FROM json_each(:places));

-- name: destroy_audited
DELETE FROM audited WHERE seq IN (SELECT value FROM json_each(:places));

-- name: destroy_standings
DELETE FROM standings WHERE number = CAST(:number AS INTEGER) AND recipient = :number;

-- name: destroy_messages
DELETE FROM messages WHERE recipient = :number;

-- name: destroy_jobs
DELETE FROM jobs WHERE recipient = :number;

-- name: destroy_receipts
DELETE FROM receipts WHERE recipient = :number;

-- name: destroy_notices
-- Each state has an index that finds them.
DELETE FROM notices
WHERE recipient = :number AND state = 'given_up' OR recipient = :number AND state = 'waiting';

-- name: destroy_marks
DELETE FROM marks WHERE recipient = :number;

-- name: destroy_drifts
DELETE FROM drifts WHERE recipient = :number;

-- name: destroy_reviews
DELETE FROM reviews WHERE recipient = :number;

-- name: destroy_expiries
DELETE FROM expiries WHERE recipient = :number;

-- name: let_go
DELETE FROM erased
WHERE (key, hash) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:hashes));

-- name: keep
INSERT INTO erased (key, hash, erased_at, value) VALUES (:key, :hash, :erased_at, :value);

-- name: keep_texts
INSERT INTO erased_texts (key, hash, until)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:texts) WHERE true
ON CONFLICT (key, hash) DO UPDATE SET until = excluded.until;

-- name: use_key
INSERT INTO erasure_keys (id) VALUES (:key) ON CONFLICT DO NOTHING;

-- name: customers_of
SELECT '[' || ifnull(group_concat(c.value, ',' ORDER BY c.id), '') || ']'
FROM phones AS p
CROSS JOIN customers AS c ON c.id = p.customer
WHERE p.number = :number;

-- name: last_seen
-- A few numbers of the index, one after the other; that somebody looked at them does not count.
WITH RECURSIVE numbers (recipient) AS (
    SELECT (SELECT min(recipient) FROM entries WHERE recipient > max(:after, '+') AND recipient < ',')
    UNION ALL
    SELECT (SELECT min(e.recipient) FROM entries AS e WHERE e.recipient > n.recipient AND e.recipient < ',')
    FROM numbers AS n
    WHERE n.recipient IS NOT NULL
    LIMIT :limit
)
SELECT n.recipient, e.recorded_at
FROM numbers AS n
JOIN entries AS e ON e.seq = ifnull(
    (
        SELECT max(seq) FROM entries
        WHERE recipient = n.recipient AND kind NOT IN ('customer_viewed', 'customer_changed')
    ),
    (SELECT max(seq) FROM entries WHERE recipient = n.recipient)
)
ORDER BY n.recipient;

-- name: rows_of_number
SELECT '{"entries":['
    || ifnull((SELECT group_concat(value, ',' ORDER BY seq) FROM entries WHERE recipient = :number), '')
    || '],"standings":['
    || ifnull((
        SELECT group_concat(value) FROM standings
        WHERE number = CAST(:number AS INTEGER) AND recipient = :number
    ), '')
    || '],"messages":['
    || ifnull((SELECT group_concat(value) FROM messages WHERE recipient = :number), '')
    || '],"jobs":['
    || ifnull((SELECT group_concat(value) FROM jobs WHERE recipient = :number), '')
    || '],"receipts":['
    || ifnull((SELECT group_concat(value) FROM receipts WHERE recipient = :number), '')
    || '],"notices":['
    || ifnull((
        SELECT group_concat(value) FROM notices
        WHERE recipient = :number AND state = 'given_up'
            OR recipient = :number AND state = 'waiting'
    ), '')
    || '],"marks":['
    || ifnull((SELECT group_concat(value) FROM marks WHERE recipient = :number), '')
    || '],"drifts":['
    || ifnull((SELECT group_concat(value) FROM drifts WHERE recipient = :number), '')
    || '],"reviews":['
    || ifnull((SELECT group_concat(value) FROM reviews WHERE recipient = :number), '')
    || '],"expiries":['
    || ifnull((SELECT group_concat(value) FROM expiries WHERE recipient = :number), '')
    || ']}';

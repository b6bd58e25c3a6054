-- What a batch changes. Each statement writes all rows of one table from one JSON text, in one
-- step outside the interpreter's lock. The searched columns are taken from the value itself.

-- name: append_entries
INSERT INTO entries (recipient, id, kind, sender, recorded_at, value)
SELECT
    value ->> '$[1].recipient',
    value ->> '$[1].id',
    value ->> '$[1].kind',
    value ->> '$[1].sender',
    value ->> 0,
    value -> 1
FROM jsonb_each(:rows);

-- name: append_alike
-- Not from JSON, for there may be very many: kind, sender, time and form of all, then the words of
-- each, id and recipient first. The program puts the words of the form in the place of `column3`,
-- and repeats the last brackets for many at once.
INSERT INTO entries (recipient, id, kind, sender, recorded_at, value)
SELECT column2, column1, ?, ?, ?, format(?, column3) FROM (VALUES (?, ?, ?));

-- name: list_for_audit
INSERT INTO audited (seq, kind, agent)
SELECT e.seq, e.kind, iif(e.value ->> '$.actor.kind' = 'agent', e.value ->> '$.actor.id', NULL)
FROM json_each(:rows) AS wanted
JOIN entries AS e ON e.id = wanted.value;

-- name: write_standings
INSERT INTO standings (number, recipient, opted_out_at, opt_out_marks, value)
SELECT CAST(key AS INTEGER), key, value ->> 0, value ->> 1, value -> 2
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (number) DO UPDATE SET
    opted_out_at = excluded.opted_out_at,
    opt_out_marks = excluded.opt_out_marks,
    value = excluded.value;

-- name: stand_alike
-- Filled in like `append_alike`. Of strangers: who has a standing after all fails it.
INSERT INTO standings (number, recipient, value)
SELECT CAST(column2 AS INTEGER), column2, format(?, column3) FROM (VALUES (?, ?, ?));

-- name: opt_out_alike
-- The same, by the same marks; since when stands behind the words, where `column4` is here.
INSERT INTO standings (number, recipient, opted_out_at, opt_out_marks, value)
SELECT CAST(column2 AS INTEGER), column2, column4, ?, format(?, column3)
FROM (VALUES (?, ?, ?, ?));

-- name: count_entries
INSERT INTO tallies (day, sender, kind, reason, count)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (day, sender, kind, reason) DO UPDATE SET count = count + excluded.count;

-- name: write_messages
INSERT INTO messages (recipient, id, sender, direction, status, carrier, carrier_message_id, value)
SELECT
    value ->> 'recipient',
    value ->> 'id',
    value ->> 'sender',
    value ->> 'direction',
    value ->> 'status',
    value ->> 'carrier',
    value ->> 'carrier_message_id',
    json(value)
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET
    recipient = excluded.recipient,
    sender = excluded.sender,
    direction = excluded.direction,
    status = excluded.status,
    carrier = excluded.carrier,
    carrier_message_id = excluded.carrier_message_id,
    value = excluded.value;

-- name: write_jobs
INSERT INTO jobs (recipient, message, sender, state, priority, due_at, value)
SELECT
    value ->> '$[1].recipient',
    value ->> '$[1].message',
    value ->> '$[1].sender',
    value ->> '$[1].state',
    value ->> '$[1].priority',
    value ->> 0,
    value -> 1
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (message) DO UPDATE SET
    recipient = excluded.recipient,
    sender = excluded.sender,
    state = excluded.state,
    priority = excluded.priority,
    due_at = excluded.due_at,
    value = excluded.value;

-- name: delete_jobs
DELETE FROM jobs WHERE message IN (SELECT value FROM json_each(:rows));

-- name: write_receipts
INSERT INTO receipts (recipient, id, carrier, carrier_message_id, message, value)
SELECT
    value ->> 'recipient',
    value ->> 'id',
    value ->> 'carrier',
    value ->> 'carrier_message_id',
    value ->> 'message',
    json(value)
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (recipient, id) DO UPDATE SET
    carrier = excluded.carrier,
    carrier_message_id = excluded.carrier_message_id,
    message = excluded.message,
    value = excluded.value;

-- name: write_idempotency
INSERT INTO idempotency (owner, key, created_at, value)
SELECT value ->> '$[1].owner', value ->> '$[1].key', value ->> 0, value -> 1
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (owner, key) DO UPDATE SET created_at = excluded.created_at, value = excluded.value;

-- name: newest_customer
SELECT ifnull(max(seq), 0) FROM customers;

-- name: write_customers
-- Says where each lies: those behind the newest of before are new.
INSERT INTO customers (id, merged_into, search, value)
SELECT value ->> '$[1].id', value ->> '$[1].merged_into', value ->> 0, value -> 1
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET
    merged_into = excluded.merged_into,
    search = excluded.search,
    value = excluded.value
RETURNING seq, id;

-- name: delete_phones
DELETE FROM phones WHERE customer IN (SELECT value FROM json_each(:rows));

-- name: write_phones
INSERT OR IGNORE INTO phones (number, customer)
SELECT value ->> 0, value ->> 1 FROM jsonb_each(:rows);

-- name: delete_customers
DELETE FROM customers WHERE id IN (SELECT value FROM json_each(:rows));

-- name: write_brands
INSERT INTO brands (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_senders
INSERT INTO senders (id, value)
SELECT value ->> 'number', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_programs
INSERT INTO programs (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_carriers
INSERT INTO carriers (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_templates
INSERT INTO templates (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_keywords
INSERT INTO keywords (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_webhooks
INSERT INTO webhooks (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_webhook_secrets
INSERT INTO webhook_secrets (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_webhook_health
INSERT INTO webhook_health (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_api_keys
-- A revoked key stays as it is: another process may note its use from before it knew.
INSERT INTO api_keys (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value
WHERE api_keys.value ->> 'revoked_at' IS NULL;

-- name: write_agents
INSERT INTO agents (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_sessions
INSERT INTO sessions (id, agent, value)
SELECT value ->> 'id', value ->> 'agent', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET agent = excluded.agent, value = excluded.value;

-- name: write_sign_in_links
INSERT INTO sign_in_links (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_processes
INSERT INTO processes (id, value)
SELECT value ->> 'id', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: end_processes
DELETE FROM processes WHERE id IN (SELECT value FROM json_each(:rows));

-- name: forget_answers
DELETE FROM idempotency
WHERE (owner, key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:rows));

-- name: write_marks
INSERT INTO marks (recipient, sender, value)
SELECT value ->> 'recipient', value ->> 'sender', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (recipient, sender) DO UPDATE SET value = excluded.value;

-- name: advance_directory_version
UPDATE directory_version SET version = version + 1 WHERE id = 1;

-- name: write_notices
INSERT INTO notices (recipient, id, message, host, state, due_at, value)
SELECT
    value ->> 2,
    value ->> '$[4].id',
    value ->> 3,
    value ->> 1,
    iif(value ->> '$[4].given_up' IS NULL, 'waiting', 'given_up'),
    value ->> 0,
    value -> 4
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO NOTHING;

-- name: write_postponed
-- Only what is still there: what was told meanwhile does not come again. Those behind it wait too.
UPDATE notices SET
    state = iif(
        notices.id = wanted.value ->> '$[4].id' AND wanted.value ->> '$[4].given_up' IS NOT NULL,
        'given_up',
        'waiting'
    ),
    due_at = max(wanted.value ->> 0, iif(notices.id = wanted.value ->> '$[4].id', 0, notices.due_at)),
    value = iif(notices.id = wanted.value ->> '$[4].id', wanted.value -> 4, notices.value)
FROM jsonb_each(:rows) AS wanted
WHERE notices.id >= wanted.value ->> '$[4].id'
    AND notices.id < wanted.value ->> 3 || '/'
    AND notices.state <> 'given_up';

-- name: write_replayed
UPDATE notices SET state = 'waiting', due_at = wanted.value ->> 0, value = wanted.value -> 4
FROM jsonb_each(:rows) AS wanted
WHERE notices.id = wanted.value ->> '$[4].id' AND notices.state = 'given_up';

-- name: end_notices
DELETE FROM notices WHERE id IN (SELECT value FROM json_each(:rows));

-- name: forget_repeats
DELETE FROM erased_texts
WHERE (key, hash) IN (
    SELECT key, hash FROM erased_texts WHERE until <= :now ORDER BY until LIMIT :limit
);

-- name: forget_notices
DELETE FROM notices WHERE state = 'given_up' AND id IN (SELECT value FROM json_each(:rows));

-- name: write_expiries
INSERT INTO expiries (recipient, program, expires_at, value)
SELECT
    value ->> '$[1].recipient',
    value ->> '$[1].program',
    value ->> 0,
    value -> 1
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (recipient, program) DO UPDATE SET
    expires_at = excluded.expires_at, value = excluded.value;

-- name: write_drifts
INSERT INTO drifts (id, recipient, sender, carrier, kind, state, report, value)
SELECT
    value ->> 'id',
    value ->> 'recipient',
    value ->> 'sender',
    value ->> 'carrier',
    value ->> 'kind',
    ifnull(value ->> 'state', 'open'),
    value ->> 'report',
    json(value)
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET state = excluded.state, value = excluded.value;

-- name: write_reconciliations
INSERT INTO reconciliations (id, carrier, value)
SELECT value ->> 'id', value ->> 'carrier', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_calls_to_action
-- A version that is there already is refused by the table: its row is never written again.
INSERT INTO calls_to_action (id, version, value)
SELECT value ->> 'id', value ->> 'version', json(value) FROM jsonb_each(:rows);

-- name: write_reviews
INSERT INTO reviews (id, recipient, sender, state, value)
SELECT
    value ->> 'id',
    value ->> 'recipient',
    value ->> 'sender',
    ifnull(value ->> 'state', 'open'),
    json(value)
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET state = excluded.state, value = excluded.value;

-- name: write_imports
INSERT INTO imports (id, key, value)
SELECT value ->> 'id', value ->> 'key', json(value) FROM jsonb_each(:rows) WHERE true
ON CONFLICT (id) DO UPDATE SET value = excluded.value;

-- name: write_import_parts
INSERT INTO import_parts (run, block, part, value)
SELECT value ->> 'run', value ->> 'block', value ->> 'part', json(value) FROM jsonb_each(:rows);

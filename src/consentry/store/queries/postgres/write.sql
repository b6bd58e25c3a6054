-- What a batch changes. Each query writes all rows of one table from arrays, a column each; those
-- that a batch needs are put into one statement, each under its name.
--
-- Columns are unnested side by side, row by row: in a FROM each would first be kept as a whole.
--
-- What is surely new (its id was drawn in this batch, or its absence was seen by who holds the
-- recipient) is added without looking for a row in its place, which costs the server a fifth more.

-- name: delete_jobs
DELETE FROM jobs WHERE message = ANY(:finished_jobs::text[])

-- name: delete_customers
DELETE FROM customers WHERE id = ANY(:deleted_customers::text[])

-- name: delete_phones
DELETE FROM phones WHERE customer = ANY(:deleted_customers::text[])

-- name: delete_grams
DELETE FROM customer_grams WHERE customer = ANY(:deleted_customers::text[])

-- name: delete_queued
DELETE FROM search_queue WHERE customer = ANY(:deleted_customers::text[])

-- name: append_entries
INSERT INTO entries (recipient, id, kind, sender, recorded_at, value)
SELECT
    unnest(:entry_recipients::text[]),
    unnest(:entry_ids::text[]),
    unnest(:entry_kinds::text[]),
    unnest(:entry_senders::text[]),
    unnest(:entry_times::bigint[]),
    unnest(:entry_values::text[])
RETURNING recipient, seq, id, kind

-- name: list_for_audit
INSERT INTO audited (recipient, seq, kind, agent)
SELECT e.recipient, e.seq, e.kind, wanted.agent
FROM unnest(:audited_ids::text[], :audited_agents::text[]) AS wanted (id, agent)
JOIN append_entries AS e ON e.id = wanted.id

-- name: count_entries
INSERT INTO tallies (day, sender, kind, reason, shard, count)
SELECT
    '1970-01-01'::date + unnest(:tally_days::integer[]),
    unnest(:tally_senders::text[]),
    unnest(:tally_kinds::text[]),
    unnest(:tally_reasons::text[]),
    pg_backend_pid() % 1024,
    unnest(:tally_counts::bigint[])
ON CONFLICT (day, sender, kind, reason, shard)
DO UPDATE SET count = tallies.count + excluded.count

-- name: add_standings
INSERT INTO standings (recipient, opted_out_at, opt_out_marks, value)
SELECT
    unnest(:new_standing_recipients::text[]),
    unnest(:new_standing_times::bigint[]),
    unnest(:new_standing_marks::text[]),
    unnest(:new_standing_values::text[])

-- name: write_standings
INSERT INTO standings (recipient, opted_out_at, opt_out_marks, value)
SELECT
    unnest(:standing_recipients::text[]),
    unnest(:standing_times::bigint[]),
    unnest(:standing_marks::text[]),
    unnest(:standing_values::text[])
ON CONFLICT (recipient) DO UPDATE SET
    opted_out_at = excluded.opted_out_at,
    opt_out_marks = excluded.opt_out_marks,
    value = excluded.value

-- name: add_messages
INSERT INTO messages (recipient, id, sender, direction, status, carrier, carrier_message_id, value)
SELECT
    unnest(:new_message_recipients::text[]),
    unnest(:new_message_ids::text[]),
    unnest(:new_message_senders::text[]),
    unnest(:new_message_directions::text[]),
    unnest(:new_message_statuses::text[]),
    unnest(:new_message_carriers::text[]),
    unnest(:new_message_carrier_ids::text[]),
    unnest(:new_message_values::text[])

-- name: write_messages
INSERT INTO messages (recipient, id, sender, direction, status, carrier, carrier_message_id, value)
SELECT
    unnest(:message_recipients::text[]),
    unnest(:message_ids::text[]),
    unnest(:message_senders::text[]),
    unnest(:message_directions::text[]),
    unnest(:message_statuses::text[]),
    unnest(:message_carriers::text[]),
    unnest(:message_carrier_ids::text[]),
    unnest(:message_values::text[])
ON CONFLICT (id, recipient) DO UPDATE SET
    sender = excluded.sender,
    direction = excluded.direction,
    status = excluded.status,
    carrier = excluded.carrier,
    carrier_message_id = excluded.carrier_message_id,
    value = excluded.value

-- name: add_jobs
INSERT INTO jobs (recipient, message, sender, state, priority, due_at, value)
SELECT
    unnest(:new_job_recipients::text[]),
    unnest(:new_job_messages::text[]),
    unnest(:new_job_senders::text[]),
    unnest(:new_job_states::text[]),
    unnest(:new_job_priorities::integer[]),
    unnest(:new_job_times::bigint[]),
    unnest(:new_job_values::text[])

-- name: write_jobs
INSERT INTO jobs (recipient, message, sender, state, priority, due_at, value)
SELECT
    unnest(:job_recipients::text[]),
    unnest(:job_messages::text[]),
    unnest(:job_senders::text[]),
    unnest(:job_states::text[]),
    unnest(:job_priorities::integer[]),
    unnest(:job_times::bigint[]),
    unnest(:job_values::text[])
ON CONFLICT (message, recipient) DO UPDATE SET
    sender = excluded.sender,
    state = excluded.state,
    priority = excluded.priority,
    due_at = excluded.due_at,
    value = excluded.value

-- name: write_receipts
INSERT INTO receipts (recipient, id, carrier, carrier_message_id, message, value)
SELECT
    unnest(:receipt_recipients::text[]),
    unnest(:receipt_ids::text[]),
    unnest(:receipt_carriers::text[]),
    unnest(:receipt_carrier_ids::text[]),
    unnest(:receipt_messages::text[]),
    unnest(:receipt_values::text[])
ON CONFLICT (recipient, id) DO UPDATE SET
    carrier = excluded.carrier,
    carrier_message_id = excluded.carrier_message_id,
    message = excluded.message,
    value = excluded.value

-- name: write_idempotency
INSERT INTO idempotency (owner, key, created_at, value)
SELECT
    unnest(:answer_owners::text[]),
    unnest(:answer_keys::text[]),
    unnest(:answer_times::bigint[]),
    unnest(:answer_values::text[])
ON CONFLICT (owner, key) DO UPDATE SET created_at = excluded.created_at, value = excluded.value

-- name: add_customers
INSERT INTO customers (id, merged_into, search, value)
SELECT
    unnest(:new_customer_ids::text[]),
    unnest(:new_customer_merged::text[]),
    unnest(:new_customer_searches::text[]),
    unnest(:new_customer_values::text[])

-- name: queue_added
INSERT INTO search_queue (customer)
SELECT unnest(:new_customer_ids::text[])

-- name: add_phones
INSERT INTO phones (number, customer)
SELECT unnest(:new_phone_numbers::text[]), unnest(:new_phone_customers::text[])

-- name: write_customers
-- Says which were there before: a row that was updated bears the mark of who updated it.
INSERT INTO customers (id, merged_into, search, value)
SELECT
    unnest(:customer_ids::text[]),
    unnest(:customer_merged::text[]),
    unnest(:customer_searches::text[]),
    unnest(:customer_values::text[])
ON CONFLICT (id) DO UPDATE SET
    merged_into = excluded.merged_into,
    search = excluded.search,
    value = excluded.value
RETURNING id, xmax <> 0 AS known

-- name: queue_customers
-- Waits for who takes one from the queue right now, and puts it there again.
INSERT INTO search_queue (customer)
SELECT id FROM write_customers
ON CONFLICT (customer) DO UPDATE SET customer = excluded.customer

-- name: forget_grams
DELETE FROM customer_grams USING write_customers AS w WHERE w.known AND customer_grams.customer = w.id

-- name: let_go_of_phones
DELETE FROM phones AS p
USING write_customers AS w
WHERE w.known
    AND p.customer = w.id
    AND NOT EXISTS (
        SELECT 1
        FROM unnest(:phone_numbers::text[], :phone_customers::text[]) AS held (number, customer)
        WHERE held.number = p.number AND held.customer = p.customer
    )

-- name: write_phones
INSERT INTO phones (number, customer)
SELECT unnest(:phone_numbers::text[]), unnest(:phone_customers::text[])
ON CONFLICT DO NOTHING

-- name: write_brands
INSERT INTO brands (id, value)
SELECT unnest(:brand_ids::text[]), unnest(:brand_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_senders
INSERT INTO senders (id, value)
SELECT unnest(:sender_ids::text[]), unnest(:sender_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_programs
INSERT INTO programs (id, value)
SELECT unnest(:program_ids::text[]), unnest(:program_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_carriers
INSERT INTO carriers (id, value)
SELECT unnest(:carrier_ids::text[]), unnest(:carrier_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_templates
INSERT INTO templates (id, value)
SELECT unnest(:template_ids::text[]), unnest(:template_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_keywords
INSERT INTO keywords (id, value)
SELECT unnest(:keyword_ids::text[]), unnest(:keyword_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_webhooks
INSERT INTO webhooks (id, value)
SELECT unnest(:webhook_ids::text[]), unnest(:webhook_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_webhook_secrets
INSERT INTO webhook_secrets (id, value)
SELECT unnest(:webhook_secret_ids::text[]), unnest(:webhook_secret_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_webhook_health
INSERT INTO webhook_health (id, value)
SELECT unnest(:webhook_health_ids::text[]), unnest(:webhook_health_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_api_keys
-- A revoked key stays as it is: another process may note its use from before it knew.
INSERT INTO api_keys (id, revoked, value)
SELECT
    unnest(:api_key_ids::text[]),
    unnest(:api_key_revoked::boolean[]),
    unnest(:api_key_values::text[])
ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked, value = excluded.value
WHERE NOT api_keys.revoked

-- name: write_agents
INSERT INTO agents (id, value)
SELECT unnest(:agent_ids::text[]), unnest(:agent_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_sessions
INSERT INTO sessions (id, agent, value)
SELECT
    unnest(:session_ids::text[]),
    unnest(:session_agents::text[]),
    unnest(:session_values::text[])
ON CONFLICT (id) DO UPDATE SET agent = excluded.agent, value = excluded.value

-- name: write_sign_in_links
INSERT INTO sign_in_links (id, value)
SELECT unnest(:sign_in_link_ids::text[]), unnest(:sign_in_link_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_processes
INSERT INTO processes (id, value)
SELECT unnest(:process_ids::text[]), unnest(:process_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: end_processes
DELETE FROM processes WHERE id = ANY(:ended_processes::text[])

-- name: forget_answers
DELETE FROM idempotency AS i
USING unnest(:forgotten_owners::text[], :forgotten_keys::text[]) AS gone (owner, key)
WHERE i.owner = gone.owner AND i.key = gone.key

-- name: write_marks
INSERT INTO marks (recipient, sender, value)
SELECT unnest(:mark_recipients::text[]), unnest(:mark_senders::text[]), unnest(:mark_values::text[])
ON CONFLICT (recipient, sender) DO UPDATE SET value = excluded.value

-- name: advance_directory_version
-- Only from the version that was decided on: somebody else's change is not written over.
UPDATE directory_version SET version = version + 1 WHERE id = 1 AND version = :version::bigint

-- name: write_notices
INSERT INTO notices (recipient, id, message, host, state, due_at, value)
SELECT
    unnest(:notice_recipients::text[]),
    unnest(:notice_ids::text[]),
    unnest(:notice_messages::text[]),
    unnest(:notice_hosts::text[]),
    unnest(:notice_states::text[]),
    unnest(:notice_times::bigint[]),
    unnest(:notice_values::text[])
ON CONFLICT (id, recipient) DO NOTHING

-- name: write_postponed
-- Only what is still there: what was told meanwhile does not come again. Those behind it wait too.
UPDATE notices AS n SET
    state = CASE WHEN n.id = p.id THEN p.state ELSE n.state END,
    due_at = CASE WHEN n.id = p.id THEN p.due_at ELSE greatest(p.due_at, n.due_at) END,
    value = CASE WHEN n.id = p.id THEN p.value ELSE n.value END
FROM (
    SELECT
    unnest(:postponed_recipients::text[]) AS recipient,
    unnest(:postponed_ids::text[]) COLLATE "C" AS id,
    unnest(:postponed_messages::text[]) COLLATE "C" AS message,
    unnest(:postponed_hosts::text[]) AS host,
    unnest(:postponed_states::text[]) AS state,
    unnest(:postponed_times::bigint[]) AS due_at,
    unnest(:postponed_values::text[]) AS value
) AS p
WHERE n.id >= p.id AND n.id < p.message || '/' AND n.recipient = p.recipient AND n.state <> 'given_up'

-- name: write_replayed
UPDATE notices AS n SET state = r.state, due_at = r.due_at, value = r.value
FROM (
    SELECT
        unnest(:replayed_recipients::text[]) AS recipient,
        unnest(:replayed_ids::text[]) COLLATE "C" AS id,
        unnest(:replayed_messages::text[]) AS message,
        unnest(:replayed_hosts::text[]) AS host,
        unnest(:replayed_states::text[]) AS state,
        unnest(:replayed_times::bigint[]) AS due_at,
        unnest(:replayed_values::text[]) AS value
) AS r
WHERE n.id = r.id AND n.recipient = r.recipient AND n.state = 'given_up'

-- name: end_notices
DELETE FROM notices WHERE id = ANY(:told_notices::text[])

-- name: forget_repeats
DELETE FROM erased_texts AS e
USING (
    SELECT key, hash FROM erased_texts
    WHERE until <= :repeats_over::bigint
    ORDER BY until
    LIMIT :repeats_limit::bigint
) AS gone
WHERE e.key = gone.key AND e.hash = gone.hash

-- name: forget_notices
DELETE FROM notices WHERE id = ANY(:forgotten_notices::text[]) AND state = 'given_up'

-- name: write_expiries
INSERT INTO expiries (recipient, program, expires_at, value)
SELECT
    unnest(:expiry_recipients::text[]),
    unnest(:expiry_programs::text[]),
    unnest(:expiry_times::bigint[]),
    unnest(:expiry_values::text[])
ON CONFLICT (recipient, program) DO UPDATE SET
    expires_at = excluded.expires_at, value = excluded.value

-- name: write_drifts
INSERT INTO drifts (recipient, id, sender, carrier, kind, state, report, value)
SELECT
    unnest(:drift_recipients::text[]),
    unnest(:drift_ids::text[]),
    unnest(:drift_senders::text[]),
    unnest(:drift_carriers::text[]),
    unnest(:drift_kinds::text[]),
    unnest(:drift_states::text[]),
    unnest(:drift_reports::text[]),
    unnest(:drift_values::text[])
ON CONFLICT (id, recipient) DO UPDATE SET state = excluded.state, value = excluded.value

-- name: write_reconciliations
INSERT INTO reconciliations (id, carrier, value)
SELECT
    unnest(:reconciliation_ids::text[]),
    unnest(:reconciliation_carriers::text[]),
    unnest(:reconciliation_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_calls_to_action
-- A version that is there already is refused by the table: its row is never written again.
INSERT INTO calls_to_action (id, version, value)
SELECT
    unnest(:call_ids::text[]),
    unnest(:call_versions::bigint[]),
    unnest(:call_values::text[])

-- name: write_reviews
INSERT INTO reviews (recipient, id, sender, state, value)
SELECT
    unnest(:review_recipients::text[]),
    unnest(:review_ids::text[]),
    unnest(:review_senders::text[]),
    unnest(:review_states::text[]),
    unnest(:review_values::text[])
ON CONFLICT (id, recipient) DO UPDATE SET state = excluded.state, value = excluded.value

-- name: write_imports
INSERT INTO imports (id, key, value)
SELECT
    unnest(:import_ids::text[]),
    unnest(:import_keys::text[]),
    unnest(:import_values::text[])
ON CONFLICT (id) DO UPDATE SET value = excluded.value

-- name: write_import_parts
INSERT INTO import_parts (run, block, part, value)
SELECT
    unnest(:import_part_runs::text[]),
    unnest(:import_part_blocks::bigint[]),
    unnest(:import_part_parts::bigint[]),
    unnest(:import_part_values::text[])

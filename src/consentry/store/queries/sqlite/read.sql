-- What the doors read. Lists are one row that is one JSON text, newest first, and go on where
-- the page before ended.

-- name: read_standing
SELECT value
FROM standings
WHERE number = CAST(:recipient AS INTEGER) AND recipient = :recipient;

-- name: read_facts
-- All that the gate asks of many recipients at once, in the order asked, with the version of the
-- directory from the same snapshot.
SELECT
    (SELECT version FROM directory_version WHERE id = 1),
    '[' || ifnull(group_concat(ifnull(s.value, '{}'), ',' ORDER BY asked.rowid), '') || ']'
FROM json_each(:keys) AS asked
LEFT JOIN standings AS s
    ON s.number = CAST(asked.value AS INTEGER) AND s.recipient = asked.value;

-- name: read_entries
-- The newest of each kind, and of those the newest: of a few kinds only those are looked at.
SELECT '[' || ifnull(group_concat(e.value, ',' ORDER BY e.seq DESC), '') || ']'
FROM (
    SELECT newest.value AS seq
    FROM json_each(:kinds) AS wanted, json_each((
        SELECT json_group_array(seq)
        FROM (
            SELECT seq
            FROM entries
            WHERE recipient = :recipient
                AND kind = wanted.value
                AND seq < CASE
                    WHEN :before IS NULL THEN 9223372036854775807
                    ELSE (SELECT seq FROM entries WHERE id = :before)
                END
                AND (:until IS NULL OR recorded_at <= :until)
                AND (:senders IS NULL OR sender IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
            ORDER BY seq DESC
            LIMIT :limit
        )
    )) AS newest
    ORDER BY newest.value DESC
    LIMIT :limit
) AS found
JOIN entries AS e ON e.seq = found.seq;

-- name: read_receipts
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id), '') || ']'
FROM (
    SELECT id, value FROM receipts WHERE recipient = :recipient AND id > :after ORDER BY id LIMIT :limit
);

-- name: read_message
SELECT value FROM messages WHERE id = ?;

-- name: read_first_message_after
SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT 1;

-- name: read_messages
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT seq, value
    FROM messages
    WHERE seq < CASE
            WHEN :before IS NULL THEN 9223372036854775807
            ELSE (SELECT seq FROM messages WHERE id = :before)
        END
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: read_messages_of_recipient
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT seq, value
    FROM messages
    WHERE recipient = :recipient
        AND seq < CASE
            WHEN :before IS NULL THEN 9223372036854775807
            ELSE (SELECT seq FROM messages WHERE id = :before)
        END
        AND (:sender IS NULL OR sender = :sender)
        AND (:status IS NULL OR status = :status)
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: read_messages_of_sender
-- The newest of either direction, and of those the newest.
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT seq, value
    FROM (
        SELECT seq, value
        FROM (
            SELECT seq, value
            FROM messages
            WHERE sender = :sender
                AND direction = 'inbound'
                AND seq < CASE
                    WHEN :before IS NULL THEN 9223372036854775807
                    ELSE (SELECT seq FROM messages WHERE id = :before)
                END
                AND (:status IS NULL OR status = :status)
            ORDER BY seq DESC
            LIMIT :limit
        )
        UNION ALL
        SELECT seq, value
        FROM (
            SELECT seq, value
            FROM messages
            WHERE sender = :sender
                AND direction = 'outbound'
                AND seq < CASE
                    WHEN :before IS NULL THEN 9223372036854775807
                    ELSE (SELECT seq FROM messages WHERE id = :before)
                END
                AND (:status IS NULL OR status = :status)
            ORDER BY seq DESC
            LIMIT :limit
        )
    ) AS found
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: read_messages_in_status
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT seq, value
    FROM messages
    WHERE status = :status
        AND seq < CASE
            WHEN :before IS NULL THEN 9223372036854775807
            ELSE (SELECT seq FROM messages WHERE id = :before)
        END
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: read_indeterminate
SELECT '[' || ifnull(group_concat('{"job":' || job || ',"message":' || message || '}', ',' ORDER BY id), '') || ']'
FROM (
    SELECT j.message AS id, j.value AS job, m.value AS message
    FROM jobs AS j
    JOIN messages AS m ON m.id = j.message
    WHERE j.state = 'indeterminate' AND j.message > :after
    ORDER BY j.message
    LIMIT :limit
);

-- name: read_customer
SELECT value FROM customers WHERE id = ?;

-- name: read_customers
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT seq, value
    FROM customers
    WHERE merged_into IS NULL AND seq < :before
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: read_profiles
SELECT '[' || ifnull(group_concat(c.value, ',' ORDER BY c.id), '') || ']'
FROM phones AS p
JOIN customers AS c ON c.id = p.customer
WHERE p.number = :number;

-- name: read_carriers
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY rowid), '') || ']' FROM carriers;

-- name: read_templates
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY rowid), '') || ']' FROM templates;

-- name: read_keys
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY rowid), '') || ']' FROM api_keys;

-- name: read_recipients
SELECT '[' || ifnull(group_concat('[' || json_quote(recipient) || ',' || value || ']', ',' ORDER BY number), '') || ']'
FROM (
    SELECT number, recipient, value
    FROM standings
    WHERE number > CAST(:after AS INTEGER)
    ORDER BY number
    LIMIT :limit
);

-- name: read_everybody
-- As bytes, which nobody has to make a text of before they are read.
SELECT
    max(number),
    CAST('[' || group_concat('[' || number || ',' || value || ']', ',') || ']' AS BLOB)
FROM (
    SELECT number, value
    FROM standings
    WHERE number > :after
    ORDER BY number
    LIMIT :at_once
);

-- name: read_erased
SELECT '[' || ifnull(group_concat('[' || json_quote(key) || ',' || json_quote(hash) || ',' || value || ']'), '') || ']'
FROM erased;

-- name: count_outbox
SELECT count(*) FROM jobs;

-- name: read_claimed
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY message), '') || ']'
FROM jobs
WHERE state = 'claimed';

-- name: read_answered
SELECT json_group_array(json_array(owner, key, created_at) ORDER BY owner, key)
FROM (
    SELECT owner, key, created_at
    FROM idempotency
    WHERE (owner, key) > (:owner, :key)
    ORDER BY owner, key
    LIMIT :limit
);

-- name: next_due
-- Leaps from sender to sender in the index, so that a long queue costs no more than a short one.
WITH RECURSIVE queued (sender) AS (
    SELECT min(sender) FROM jobs WHERE state = 'queued'
    UNION ALL
    SELECT (SELECT min(j.sender) FROM jobs AS j WHERE j.state = 'queued' AND j.sender > queued.sender)
    FROM queued
    WHERE queued.sender IS NOT NULL
)
SELECT '[' || ifnull(group_concat(json_array(sender, due_at)), '') || ']'
FROM (
    SELECT sender, (
        SELECT min(earliest)
        FROM (
            SELECT (
                SELECT min(j.due_at)
                FROM jobs AS j
                WHERE j.state = 'queued' AND j.sender = q.sender AND j.priority = priorities.value
            ) AS earliest
            FROM json_each('[0,1,2,3,4,5,6,7,8,9]') AS priorities
        )
    ) AS due_at
    FROM queued AS q
    WHERE sender IS NOT NULL
);

-- name: next_notices
-- Leaps from server to server in the index, so that a long queue costs no more than a short one.
WITH RECURSIVE queued (host) AS (
    SELECT min(host) FROM notices WHERE state = 'waiting'
    UNION ALL
    SELECT (SELECT min(n.host) FROM notices AS n WHERE n.state = 'waiting' AND n.host > queued.host)
    FROM queued
    WHERE queued.host IS NOT NULL
)
SELECT '[' || ifnull(group_concat(json_array(host, due_at)), '') || ']'
FROM (
    SELECT host, (
        SELECT min(n.due_at) FROM notices AS n WHERE n.state = 'waiting' AND n.host = q.host
    ) AS due_at
    FROM queued AS q
    WHERE host IS NOT NULL
);

-- name: read_notices
-- Ids of one message begin with its own and a full stop, and sort in the order they are told. What
-- is not given up waits; said so, it is looked for by its id and not among all that wait.
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY due_at, id), '') || ']'
FROM (
    SELECT n.id, n.due_at, n.value
    FROM notices AS n
    WHERE n.state = 'waiting'
        AND n.host = :host
        AND n.due_at <= :due_at
        AND NOT EXISTS (
            SELECT 1
            FROM notices AS before
            WHERE before.id > n.message || '.' AND before.id < n.id AND before.state <> 'given_up'
        )
    ORDER BY n.due_at, n.id
    LIMIT :limit
);

-- name: count_notices
SELECT CAST(count(*) AS TEXT) FROM notices WHERE state = 'waiting';

-- name: list_notices
-- Of each server and webhook, or of the one that is named, the first in the index: however many there
-- are behind them, they are not looked at. Each as [due_at, notice].
WITH RECURSIVE lanes (host) AS (
    SELECT ifnull(:lane, (SELECT min(host) FROM notices WHERE state = :state))
    UNION ALL
    SELECT (SELECT min(n.host) FROM notices AS n WHERE n.state = :state AND n.host > lanes.host)
    FROM lanes
    WHERE lanes.host IS NOT NULL AND :lane IS NULL
)
SELECT '[' || ifnull(group_concat('[' || due_at || ',' || value || ']', ',' ORDER BY due_at DESC, id DESC), '') || ']'
FROM (
    SELECT n.id, n.due_at, n.value
    FROM lanes
    CROSS JOIN notices AS n ON n.rowid IN (
        SELECT first.rowid
        FROM notices AS first
        WHERE first.state = :state
            AND first.host = lanes.host
            AND (first.due_at, first.id) < (:before_at, :before_id)
            AND first.due_at BETWEEN ifnull(:since, 0) AND ifnull(:until, 9223372036854775807)
        ORDER BY first.due_at DESC, first.id DESC
        LIMIT :limit
    )
    ORDER BY n.due_at DESC, n.id DESC
    LIMIT :limit
);

-- name: read_notice
SELECT value FROM notices WHERE id = ?;

-- name: read_webhook_secrets
SELECT value FROM webhook_secrets WHERE id = ?;

-- name: read_webhook_health
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY rowid), '') || ']' FROM webhook_health;

-- name: read_expiring
-- Each as [when, recipient, program, standing]: whether it still runs out, the standing says.
SELECT '[' || ifnull(group_concat(
    json_array(expires_at, recipient, program, json(standing)), ',' ORDER BY expires_at, recipient, program
), '') || ']'
FROM (
    SELECT e.expires_at, e.recipient, e.program, s.value AS standing
    FROM expiries AS e
    JOIN standings AS s ON s.number = CAST(e.recipient AS INTEGER) AND s.recipient = e.recipient
    WHERE
        (e.expires_at, e.recipient, e.program) > (:at, :recipient, :program)
        AND e.expires_at < :until
        AND (:programs IS NULL OR e.program IN (SELECT value FROM json_each(:programs)))
    ORDER BY e.expires_at, e.recipient, e.program
    LIMIT :limit
);

-- name: read_drifts
-- Ids sort by the time they were made, and begin with a letter before z.
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM drifts
    WHERE
        id < ifnull(:before, 'z')
        AND (:state IS NULL OR state = :state)
        AND (:kind IS NULL OR kind = :kind)
        AND (:carrier IS NULL OR carrier = :carrier)
        AND (:recipient IS NULL OR recipient = :recipient)
        AND (:report IS NULL OR report = :report)
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_drifts_in_state
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM drifts
    WHERE
        state = :state
        AND id < ifnull(:before, 'z')
        AND (:state IS NULL OR state = :state)
        AND (:kind IS NULL OR kind = :kind)
        AND (:carrier IS NULL OR carrier = :carrier)
        AND (:recipient IS NULL OR recipient = :recipient)
        AND (:report IS NULL OR report = :report)
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_drifts_of_report
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM drifts
    WHERE
        report = :report
        AND id < ifnull(:before, 'z')
        AND (:state IS NULL OR state = :state)
        AND (:kind IS NULL OR kind = :kind)
        AND (:carrier IS NULL OR carrier = :carrier)
        AND (:recipient IS NULL OR recipient = :recipient)
        AND (:report IS NULL OR report = :report)
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_drifts_of_recipient
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM drifts
    WHERE
        recipient = :recipient
        AND id < ifnull(:before, 'z')
        AND (:state IS NULL OR state = :state)
        AND (:kind IS NULL OR kind = :kind)
        AND (:carrier IS NULL OR carrier = :carrier)
        AND (:recipient IS NULL OR recipient = :recipient)
        AND (:report IS NULL OR report = :report)
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_drift
SELECT value FROM drifts WHERE id = ?;

-- name: count_drifts
SELECT ifnull(json_group_object(kind, count), '{}')
FROM (SELECT kind, count(*) AS count FROM drifts WHERE state = 'open' GROUP BY kind) AS told;

-- name: read_reconciliations
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM reconciliations
    WHERE id < ifnull(:before, 'z')
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_reconciliations_of_carrier
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM reconciliations
    WHERE carrier = :carrier AND id < ifnull(:before, 'z')
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_reconciliation
SELECT value FROM reconciliations WHERE id = ?;

-- name: read_calls_to_action
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY version DESC), '') || ']'
FROM (
    SELECT version, value
    FROM calls_to_action
    WHERE id = :id AND version < ifnull(:before, 9223372036854775807)
    ORDER BY version DESC
    LIMIT :limit
);

-- name: read_call_to_action
SELECT value FROM calls_to_action WHERE id = ? AND version = ?;

-- name: read_reviews
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM reviews
    WHERE
        id < ifnull(:before, 'z')
        AND (:state IS NULL OR state = :state)
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_reviews_in_state
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM reviews
    WHERE
        state = :state
        AND id < ifnull(:before, 'z')
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_reviews_of_recipient
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM reviews
    WHERE
        recipient = :recipient
        AND id < ifnull(:before, 'z')
        AND (:state IS NULL OR state = :state)
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_review
SELECT value FROM reviews WHERE id = ?;

-- name: count_reviews
SELECT count(*)
FROM reviews
WHERE
    state = 'open'
    AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)));

-- name: read_imports
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM imports
    WHERE id < ifnull(:before, 'z')
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_imports_of_key
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id DESC), '') || ']'
FROM (
    SELECT id, value
    FROM imports
    WHERE key = :key AND id < ifnull(:before, 'z')
    ORDER BY id DESC
    LIMIT :limit
);

-- name: read_import
SELECT value FROM imports WHERE id = ?;

-- name: read_import_parts
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY part), '') || ']'
FROM import_parts
WHERE run = :run AND block = :block;

-- name: read_entries_after
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY id), '') || ']'
FROM (SELECT id, value FROM entries WHERE id > :after ORDER BY id LIMIT :limit);

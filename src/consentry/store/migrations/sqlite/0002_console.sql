-- What the console lists and counts. `opted_out_at(standing)` and `told_reason(entry)` are the
-- program's own functions, so that old rows get what new rows are written with.

-- When the newest opt-out that stands was made; NULL where none stands.
ALTER TABLE standings ADD COLUMN opted_out_at INTEGER;

UPDATE standings SET opted_out_at = opted_out_at(value);

CREATE INDEX standings_opted_out ON standings (opted_out_at, recipient)
WHERE opted_out_at IS NOT NULL;

-- The inbox is a walk from the newest text back, sender by sender.
DROP INDEX messages_of_sender;

CREATE INDEX messages_of_sender ON messages (sender, direction);

CREATE INDEX entries_opted_out ON entries (recorded_at, sender) WHERE kind = 'opted_out';

-- What the audit lists, by kind: a rare kind is found among millions of others. Of what an import
-- wrote row by row there is nothing here. A table, because an index would ask every text.
CREATE TABLE audited (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    agent TEXT
) STRICT;

CREATE INDEX audited_of_kind ON audited (kind);

CREATE INDEX audited_of_agent ON audited (agent, kind) WHERE agent IS NOT NULL;

-- The kinds of `AUDIT_KINDS`, in its order.
INSERT INTO audited (seq, kind, agent)
SELECT seq, kind, iif(value ->> '$.actor.kind' = 'agent', value ->> '$.actor.id', NULL)
FROM entries
WHERE kind IN (
    'consent_granted', 'consent_revoked', 'suppressed', 'tag_changed', 'note_added',
    'customer_viewed', 'customer_changed', 'signed_in', 'sign_in_refused', 'signed_out',
    'session_revoked', 'setting_changed', 'exported', 'imported'
) AND value ->> '$.actor.kind' <> 'import';

-- How many entries there were: counted as they are written, so that a report reads few rows.
CREATE TABLE tallies (
    day TEXT NOT NULL,
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, sender, kind, reason)
) STRICT, WITHOUT ROWID;

INSERT INTO tallies (day, sender, kind, reason, count)
SELECT day, sender, kind, reason, count(*)
FROM (
    SELECT
        date(recorded_at / 1000000, 'unixepoch') AS day,
        ifnull(sender, '') AS sender,
        kind,
        CASE
            WHEN kind IN ('send_refused', 'opted_out', 'suppressed', 'carrier_refused')
            THEN told_reason(value)
            ELSE ''
        END AS reason
    FROM entries
)
GROUP BY day, sender, kind, reason;

CREATE TABLE agents (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE sessions (id TEXT PRIMARY KEY, agent TEXT NOT NULL, value TEXT NOT NULL) STRICT;

CREATE INDEX sessions_of_agent ON sessions (agent);

CREATE TABLE sign_in_links (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- How far a conversation was read.
CREATE TABLE marks (
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (recipient, sender)
) STRICT, WITHOUT ROWID;

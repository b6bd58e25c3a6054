-- Every row keeps its value as JSON beside the columns it is searched by; the columns are always
-- taken from the value when it is written. Times are microseconds since 1970, UTC. What grows with
-- traffic is found by recipient.
--
-- What a commit costs is the number of pages it touches. So large values lie in the order they
-- came in (`seq`), where many share a page, and only small indexes are in the order of numbers.

-- `seq` is the order in which entries became durable, which their ids and times need not be.
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT,
    recorded_at INTEGER NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE INDEX entries_of_recipient ON entries (recipient);

CREATE UNIQUE INDEX entries_by_id ON entries (id);

CREATE INDEX entries_refused ON entries (sender, recorded_at) WHERE kind = 'carrier_refused';

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'The ledger is append-only: an entry is never changed. Append a new entry that says what is true now.');
END;

CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'The ledger is append-only: an entry is never deleted. Append a new entry that says what is true now.');
END;

-- REPLACE would delete without asking the trigger above.
CREATE TRIGGER entries_are_never_replaced BEFORE INSERT ON entries
WHEN EXISTS (
    SELECT 1 FROM entries WHERE id = NEW.id
    UNION ALL
    SELECT 1 FROM entries WHERE seq = NEW.seq
)
BEGIN
    SELECT RAISE(ABORT, 'The ledger is append-only: an entry with this id exists already and is never replaced. Append one with a new id.');
END;

CREATE TABLE standings (
    recipient TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    sender TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    status TEXT NOT NULL,
    carrier TEXT,
    carrier_message_id TEXT,
    value TEXT NOT NULL
) STRICT;

CREATE INDEX messages_of_recipient ON messages (recipient);

CREATE INDEX messages_of_sender ON messages (sender);

CREATE INDEX messages_in_status ON messages (status);

-- The carrier's id makes a text that comes twice the same text.
CREATE UNIQUE INDEX messages_received ON messages (carrier_message_id, carrier)
WHERE direction = 'inbound' AND carrier_message_id IS NOT NULL;

CREATE INDEX messages_sent ON messages (carrier_message_id, carrier)
WHERE direction = 'outbound' AND carrier_message_id IS NOT NULL;

CREATE TABLE jobs (
    message TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'claimed', 'indeterminate')),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
    due_at INTEGER NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE INDEX jobs_of_recipient ON jobs (recipient);

CREATE INDEX jobs_due ON jobs (state, sender, priority, due_at, message);

CREATE TABLE receipts (
    recipient TEXT NOT NULL,
    id TEXT NOT NULL,
    carrier TEXT NOT NULL,
    carrier_message_id TEXT NOT NULL,
    message TEXT,
    value TEXT NOT NULL,
    PRIMARY KEY (recipient, id)
) STRICT;

CREATE INDEX receipts_unmatched ON receipts (carrier, carrier_message_id) WHERE message IS NULL;

CREATE TABLE idempotency (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    id TEXT PRIMARY KEY,
    merged_into TEXT,
    search TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE phones (
    number TEXT NOT NULL,
    customer TEXT NOT NULL,
    PRIMARY KEY (number, customer)
) STRICT, WITHOUT ROWID;

CREATE INDEX phones_of_customer ON phones (customer);

CREATE TABLE brands (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE senders (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE programs (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE carriers (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE api_keys (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- Goes up with every change of a brand, sender or program, so that each process sees it at once.
CREATE TABLE directory_version (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO directory_version (id, version) VALUES (1, 0);

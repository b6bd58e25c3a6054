-- Every row keeps its value as JSON beside the columns it is searched by; the columns are always
-- taken from the value when it is written. Times are microseconds since 1970, UTC. Ids and numbers
-- sort by their bytes.
--
-- What grows with traffic is keyed by recipient, and every unique key of it carries the recipient:
-- so each of these tables can be partitioned by hash, or distributed over servers, as it is. The
-- marks after them are what a partitioned database is made with.

-- `seq` is the order in which entries were written. Entries of one recipient are written one
-- after the other, so theirs is the order in which they became durable. Handed out one by one:
-- a session that kept some for itself would write later entries under earlier numbers.
CREATE SEQUENCE entries_seq CACHE 1;

CREATE TABLE entries (
    recipient text COLLATE "C" NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('entries_seq'),
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    sender text COLLATE "C",
    recorded_at bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (id, recipient)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX entries_of_recipient ON entries (recipient, kind, seq);

CREATE INDEX entries_refused ON entries (sender, recorded_at) WHERE kind = 'carrier_refused';

CREATE INDEX entries_opted_out ON entries (recorded_at, sender) WHERE kind = 'opted_out';

CREATE FUNCTION refuse_to_change_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The ledger is append-only: an entry is never %. Append a new entry that says what is true now.',
        CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE OR DELETE ON entries
FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_ledger();

CREATE TRIGGER entries_are_never_emptied BEFORE TRUNCATE ON entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_ledger();

-- What the audit lists, by kind: a rare kind is found among millions of others. Of what an import
-- wrote row by row there is nothing here.
CREATE TABLE audited (
    recipient text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    agent text COLLATE "C",
    PRIMARY KEY (recipient, seq)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX audited_of_kind ON audited (kind, seq);

CREATE INDEX audited_of_agent ON audited (agent, kind, seq) WHERE agent IS NOT NULL;

-- `opted_out_at` is when the newest opt-out that stands was made, and `opt_out_marks` what stands
-- in the way: a line `scope=cause` for each, between line ends. Both are NULL where none stands.
CREATE TABLE standings (
    recipient text COLLATE "C" NOT NULL PRIMARY KEY,
    opted_out_at bigint,
    opt_out_marks text COLLATE "C",
    value text NOT NULL
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX standings_opted_out ON standings (opted_out_at, recipient)
WHERE opted_out_at IS NOT NULL;

-- Messages are in the order of their ids, which sort by the time they were made.
CREATE TABLE messages (
    recipient text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    status text COLLATE "C" NOT NULL,
    carrier text COLLATE "C",
    carrier_message_id text COLLATE "C",
    value text NOT NULL,
    PRIMARY KEY (id, recipient)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX messages_of_recipient ON messages (recipient, id);

CREATE INDEX messages_of_sender ON messages (sender, direction, id);

-- All that come in have the same status.
CREATE INDEX messages_in_status ON messages (status, id) WHERE direction = 'outbound';

-- The carrier's id makes a text that comes twice the same text.
CREATE UNIQUE INDEX messages_received ON messages (carrier_message_id, carrier, recipient)
WHERE direction = 'inbound' AND carrier_message_id IS NOT NULL;

CREATE INDEX messages_sent ON messages (carrier_message_id, carrier)
WHERE direction = 'outbound' AND carrier_message_id IS NOT NULL;

CREATE TABLE jobs (
    recipient text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('queued', 'claimed', 'indeterminate')),
    priority integer NOT NULL CHECK (priority BETWEEN 0 AND 9),
    due_at bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (message, recipient)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX jobs_of_recipient ON jobs (recipient);

CREATE INDEX jobs_due ON jobs (state, sender, priority, due_at, message);

CREATE TABLE receipts (
    recipient text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    carrier text COLLATE "C" NOT NULL,
    carrier_message_id text COLLATE "C" NOT NULL,
    message text COLLATE "C",
    value text NOT NULL,
    PRIMARY KEY (recipient, id)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX receipts_unmatched ON receipts (carrier_message_id, carrier) WHERE message IS NULL;

-- How far a conversation was read.
CREATE TABLE marks (
    recipient text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (recipient, sender)
) /* PARTITION BY HASH (recipient) */;

-- Who holds which number.
CREATE TABLE phones (
    number text COLLATE "C" NOT NULL,
    customer text COLLATE "C" NOT NULL,
    PRIMARY KEY (number, customer)
) /* PARTITION BY HASH (number) */;

CREATE INDEX phones_of_customer ON phones (customer);

-- A customer may hold several numbers or none, so customers are keyed by their own ids.
CREATE TABLE customers (
    id text COLLATE "C" PRIMARY KEY,
    merged_into text COLLATE "C",
    search text COLLATE "C" NOT NULL,
    value text NOT NULL
);

-- What the letters and digits of a customer are, one, two and three together: found by any part.
-- A new customer waits in the queue until the writer has time.
CREATE TABLE customer_grams (
    customer text COLLATE "C" PRIMARY KEY,
    grams text[] COLLATE "C" NOT NULL
);

CREATE INDEX customers_with_gram ON customer_grams USING gin (grams);

CREATE TABLE search_queue (customer text COLLATE "C" PRIMARY KEY);

CREATE TABLE idempotency (
    owner text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (owner, key)
);

-- How many entries there were: counted as they are written, so that a report reads few rows.
-- Each connection counts in rows of its own, by `shard`, so that none waits for another.
CREATE TABLE tallies (
    day date NOT NULL,
    sender text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    shard smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (day, sender, kind, reason, shard)
);

-- What people set up is listed in the order it was first saved.
CREATE SEQUENCE saved_seq CACHE 1;

CREATE TABLE brands (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

CREATE TABLE senders (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

CREATE TABLE programs (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

CREATE TABLE carriers (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

CREATE TABLE api_keys (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    revoked boolean NOT NULL,
    value text NOT NULL
);

CREATE TABLE agents (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    agent text COLLATE "C" NOT NULL,
    value text NOT NULL
);

CREATE INDEX sessions_of_agent ON sessions (agent, seq);

CREATE TABLE sign_in_links (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('saved_seq'),
    value text NOT NULL
);

-- Goes up with every change of a brand, sender or program, so that each process sees it at once.
CREATE TABLE directory_version (
    id integer PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
);

INSERT INTO directory_version (id, version) VALUES (1, 0);

-- Goes up with every batch: who cannot be notified of changes looks here.
CREATE SEQUENCE changes_seq CACHE 1;

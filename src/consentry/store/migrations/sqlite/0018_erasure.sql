-- What stands against numbers that were erased: by a keyed hash, so that nobody can tell whose it is
-- without the key. A row whose number is known again is overruled by its standing, and stays until
-- it is erased once more: who reads both, one after the other, then never finds neither.
CREATE TABLE erased (
    key TEXT NOT NULL,
    hash TEXT NOT NULL,
    erased_at INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (key, hash)
) STRICT, WITHOUT ROWID;

-- The keys that those hashes were made by: a server that does not have them all must not start.
CREATE TABLE erasure_keys (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- The ledger may be changed for these purposes, within one transaction: a row that is left at its
-- end refers to what can never be there, so that it cannot be committed.
CREATE TABLE ledger_permissions (
    purpose TEXT PRIMARY KEY CHECK (purpose IN ('erase', 'reseal')),
    ends INTEGER NOT NULL DEFAULT 1
        REFERENCES ledger_permissions_kept (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE ledger_permissions_kept (id INTEGER PRIMARY KEY CHECK (id IS NULL)) STRICT;

DROP TRIGGER entries_are_never_changed;

-- To erase takes away all but that an entry was there, and when; to seal anew changes the value alone.
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
WHEN NOT (
    NEW.seq IS OLD.seq AND NEW.id IS OLD.id AND NEW.recorded_at IS OLD.recorded_at
    AND (
        (
            NEW.recipient = 'erased' AND NEW.kind = 'entry_erased' AND NEW.sender IS NULL
            AND EXISTS (SELECT 1 FROM ledger_permissions WHERE purpose = 'erase')
        )
        OR (
            NEW.recipient IS OLD.recipient AND NEW.kind IS OLD.kind AND NEW.sender IS OLD.sender
            AND EXISTS (SELECT 1 FROM ledger_permissions WHERE purpose = 'reseal')
        )
    )
)
BEGIN
    SELECT RAISE(ABORT, 'The ledger is append-only: an entry is never changed. Append a new entry that says what is true now.');
END;

-- What stands against numbers that were erased: by a keyed hash, so that nobody can tell whose it is
-- without the key. A row whose number is known again is overruled by its standing, and stays until
-- it is erased once more: who reads both, one after the other, then never finds neither.
CREATE TABLE erased (
    key text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    erased_at bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (key, hash)
);

-- The keys that those hashes were made by: a server that does not have them all must not start.
CREATE TABLE erasure_keys (id text COLLATE "C" PRIMARY KEY);

-- The ledger may be changed for two purposes, which the transaction itself names (`set_config`, for
-- that transaction alone). To erase takes away all but that an entry was there, and when; to seal
-- anew changes the value alone. An entry that is erased moves to another partition where there are
-- any, which for the one that it leaves is a deletion.
CREATE OR REPLACE FUNCTION refuse_to_change_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    purpose text := current_setting('consentry.ledger_permission', true);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.seq = OLD.seq AND NEW.id = OLD.id AND NEW.recorded_at = OLD.recorded_at
            AND NEW.written_by = OLD.written_by
        THEN
            IF purpose = 'erase' AND NEW.recipient = 'erased' AND NEW.kind = 'entry_erased'
                AND NEW.sender IS NULL
            THEN
                RETURN NEW;
            END IF;
            IF purpose = 'reseal' AND NEW.recipient = OLD.recipient AND NEW.kind = OLD.kind
                AND NEW.sender IS NOT DISTINCT FROM OLD.sender
            THEN
                RETURN NEW;
            END IF;
        END IF;
    ELSIF TG_OP = 'DELETE' AND purpose = 'erase' THEN
        IF EXISTS (SELECT 1 FROM pg_class WHERE oid = TG_RELID AND relispartition) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'The ledger is append-only: an entry is never %. Append a new entry that says what is true now.',
        CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

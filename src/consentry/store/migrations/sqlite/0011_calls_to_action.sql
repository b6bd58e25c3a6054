-- What people are shown before they consent: each version is evidence, so none is ever changed.
CREATE TABLE calls_to_action (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;

CREATE TRIGGER calls_to_action_are_never_changed BEFORE UPDATE ON calls_to_action
BEGIN
    SELECT RAISE(ABORT, 'A version of a call to action is evidence: it is never changed. Make a new version.');
END;

CREATE TRIGGER calls_to_action_are_never_deleted BEFORE DELETE ON calls_to_action
BEGIN
    SELECT RAISE(ABORT, 'A version of a call to action is evidence: it is never deleted. Make a new version.');
END;

-- REPLACE would delete without asking the trigger above.
CREATE TRIGGER calls_to_action_are_never_replaced BEFORE INSERT ON calls_to_action
WHEN EXISTS (SELECT 1 FROM calls_to_action WHERE id = NEW.id AND version = NEW.version)
BEGIN
    SELECT RAISE(ABORT, 'A version of a call to action is evidence: it is never replaced. Make a new version.');
END;

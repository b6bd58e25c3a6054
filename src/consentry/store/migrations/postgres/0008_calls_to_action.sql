-- What people are shown before they consent: each version is evidence, so none is ever changed.
CREATE TABLE calls_to_action (
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (id, version)
);

CREATE FUNCTION refuse_to_change_a_call_to_action() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A version of a call to action is evidence: it is never %. Make a new version.',
        CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER calls_to_action_are_never_changed BEFORE UPDATE OR DELETE ON calls_to_action
FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_call_to_action();

CREATE TRIGGER calls_to_action_are_never_emptied BEFORE TRUNCATE ON calls_to_action
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_call_to_action();

-- When consents were to run out, as grants said. Where a consent stands now its standing says: a row
-- here is only where to look.
CREATE TABLE expiries (
    recipient TEXT NOT NULL,
    program TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (recipient, program)
) STRICT, WITHOUT ROWID;

CREATE INDEX expiries_in_order ON expiries (expires_at, recipient, program);

INSERT INTO expiries (recipient, program, expires_at, value)
SELECT
    s.recipient,
    c.value ->> 'program',
    unixepoch(c.value ->> 'expires_at') * 1000000,
    json_object(
        'recipient', s.recipient, 'program', c.value ->> 'program', 'expires_at', c.value ->> 'expires_at'
    )
FROM standings AS s, json_each(s.value, '$.consents') AS c
WHERE c.value ->> 'expires_at' IS NOT NULL;

-- When consents were to run out, as grants said. Where a consent stands now its standing says: a row
-- here is only where to look.
CREATE TABLE expiries (
    recipient text COLLATE "C" NOT NULL,
    program text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (recipient, program)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX expiries_in_order ON expiries (expires_at, recipient, program);

INSERT INTO expiries (recipient, program, expires_at, value)
SELECT
    s.recipient,
    c ->> 'program',
    (extract(epoch FROM (c ->> 'expires_at')::timestamptz) * 1000000)::bigint,
    json_build_object(
        'recipient', s.recipient, 'program', c ->> 'program', 'expires_at', c ->> 'expires_at'
    )::text
FROM standings AS s, json_array_elements(s.value::json -> 'consents') AS c
WHERE c ->> 'expires_at' IS NOT NULL;

-- A standing lies where its number says. To find it by an index of texts was to walk two trees all
-- over memory, and most of what a look-up took.

-- `number` is the digits of the recipient, which are at most nineteen and fit. A walk in the order
-- of the texts is nearly one in the order of the numbers, so pages are filled one by one.
CREATE TABLE numbered_standings (
    number INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL CHECK (recipient = '+' || number),
    opted_out_at INTEGER,
    opt_out_marks TEXT,
    value TEXT NOT NULL
) STRICT;

INSERT INTO numbered_standings (number, recipient, opted_out_at, opt_out_marks, value)
SELECT CAST(recipient AS INTEGER), recipient, opted_out_at, opt_out_marks, value
FROM standings
ORDER BY recipient;

DROP TABLE standings;

ALTER TABLE numbered_standings RENAME TO standings;

CREATE INDEX standings_opted_out ON standings (opted_out_at, recipient, opt_out_marks)
WHERE opted_out_at IS NOT NULL;

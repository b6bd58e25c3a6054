-- Long lists with narrow filters. `opt_out_marks(standing)` is the program's own function.

-- Somebody with ten thousand entries has ten consents: those are found without the others.
DROP INDEX entries_of_recipient;

CREATE INDEX entries_of_recipient ON entries (recipient, kind);

-- What stands in the way of a number: a line `scope=cause` for each, between line ends.
ALTER TABLE standings ADD COLUMN opt_out_marks TEXT;

UPDATE standings SET opt_out_marks = opt_out_marks(value) WHERE opted_out_at IS NOT NULL;

DROP INDEX standings_opted_out;

CREATE INDEX standings_opted_out ON standings (opted_out_at, recipient, opt_out_marks)
WHERE opted_out_at IS NOT NULL;

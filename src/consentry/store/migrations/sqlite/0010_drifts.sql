-- What a carrier says and our ledger does not, or our ledger and not the carrier: kept for ever, with
-- who settled it. A comparison with a carrier is the report that they are in.
CREATE TABLE drifts (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    carrier TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'applied', 'dismissed')),
    report TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE INDEX drifts_of_recipient ON drifts (recipient, id);

CREATE INDEX drifts_in_state ON drifts (state, id, kind);

CREATE INDEX drifts_of_report ON drifts (report, id);

CREATE TABLE reconciliations (
    id TEXT PRIMARY KEY,
    carrier TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE INDEX reconciliations_of_carrier ON reconciliations (carrier, id);

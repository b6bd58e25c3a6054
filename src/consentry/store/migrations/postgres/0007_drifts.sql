-- What a carrier says and our ledger does not, or our ledger and not the carrier: kept for ever, with
-- who settled it. A comparison with a carrier is the report that they are in.
CREATE TABLE drifts (
    recipient text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    carrier text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'applied', 'dismissed')),
    report text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (id, recipient)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX drifts_of_recipient ON drifts (recipient, id);

CREATE INDEX drifts_in_state ON drifts (state, id, kind);

CREATE INDEX drifts_of_report ON drifts (report, id);

CREATE TABLE reconciliations (
    id text COLLATE "C" PRIMARY KEY,
    carrier text COLLATE "C" NOT NULL,
    value text NOT NULL
);

CREATE INDEX reconciliations_of_carrier ON reconciliations (carrier, id);

-- Texts that may be an opt-out, to be read by somebody: kept for ever, with what they were taken for.
CREATE TABLE reviews (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'ended')),
    value TEXT NOT NULL
) STRICT;

CREATE INDEX reviews_of_recipient ON reviews (recipient, id);

CREATE INDEX reviews_in_state ON reviews (state, id, sender);

-- Texts that may be an opt-out, to be read by somebody: kept for ever, with what they were taken for.
CREATE TABLE reviews (
    recipient text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'answered', 'ended')),
    value text NOT NULL,
    PRIMARY KEY (id, recipient)
) /* PARTITION BY HASH (recipient) */;

CREATE INDEX reviews_of_recipient ON reviews (recipient, id);

CREATE INDEX reviews_in_state ON reviews (state, id, sender);

-- Named wordings. One that was deleted stays, marked in its value.
CREATE TABLE templates (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

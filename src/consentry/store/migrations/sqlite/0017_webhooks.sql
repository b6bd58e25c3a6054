-- Programs that are told of events, part of the directory; one that was removed stays, marked in its
-- value. Beside them, as nobody asks for these with the rest, what signs, and how telling goes.
CREATE TABLE webhooks (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE webhook_secrets (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE webhook_health (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

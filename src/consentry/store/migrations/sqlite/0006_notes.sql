-- What must be known of the database as a whole before anybody starts on it: where it was copied
-- from and how far, when it was backed up, and that it was restored.
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

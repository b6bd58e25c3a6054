-- Who serves this database, as far as anybody knows. A row lives as long as its process.
CREATE TABLE processes (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Who serves this database, as far as anybody knows. A row lives as long as its process.
CREATE TABLE processes (
    id text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

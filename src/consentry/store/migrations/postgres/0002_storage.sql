-- How rows lie on the disk. Partitions have settings of their own, so this is apart.

-- Rows that are written again and again find room on their own page, and their indexes stay.
ALTER TABLE tallies SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

ALTER TABLE directory_version SET (fillfactor = 50);

ALTER TABLE api_keys SET (fillfactor = 50);

ALTER TABLE standings SET (fillfactor = 80);

ALTER TABLE messages SET (fillfactor = 90);

-- Rows come and go all day.
ALTER TABLE jobs SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

ALTER TABLE search_queue SET (autovacuum_vacuum_scale_factor = 0.02);

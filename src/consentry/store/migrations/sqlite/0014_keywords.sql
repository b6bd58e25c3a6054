-- Words of keyword campaigns, part of the directory. One that was removed stays, marked in its value.
CREATE TABLE keywords (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- Version 2.

-- What the relay's other commands, run beside it or without it, know of the running one.
CREATE TABLE facts (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- At most one row: what the last readiness probe wrote.
CREATE TABLE probe (
  number INTEGER PRIMARY KEY,
  body   BLOB NOT NULL
) STRICT;

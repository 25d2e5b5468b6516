-- Version 5: files.

-- What is known of a file; its bytes are beside the database. `expires` moves once, when it is whole.
CREATE TABLE files (
  file     BLOB PRIMARY KEY,
  account  BLOB NOT NULL,
  device   BLOB NOT NULL,
  size     INTEGER NOT NULL,
  received INTEGER NOT NULL,
  expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_account ON files (account, device, received, size);
CREATE INDEX files_by_end ON files (expires);

-- One row: the bytes of all files, unfinished ones as large as they will be, the key of capabilities, and the
-- name under which a folder of files knows this database.
CREATE TABLE file_room (
  only  INTEGER PRIMARY KEY CHECK (only = 1),
  bytes INTEGER NOT NULL,
  key   BLOB,
  home  BLOB
) STRICT;
INSERT INTO file_room (only, bytes) VALUES (1, 0);

-- Bytes in a folder of which nothing is known, and since when that was seen.
CREATE TABLE stray_files (
  file BLOB PRIMARY KEY,
  seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Version 5: files.

-- What is known of a file; its bytes are beside the database. Of an unfinished one `expires` moves with every part.
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

-- One row: the bytes of all files, unfinished ones as large as they will be, and the key of capabilities.
CREATE TABLE file_room (
  only  INTEGER PRIMARY KEY CHECK (only = 1),
  bytes INTEGER NOT NULL,
  key   BLOB
) STRICT;
INSERT INTO file_room (only, bytes) VALUES (1, 0);

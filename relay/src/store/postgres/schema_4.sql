-- Version 4: files.

-- What is known of a file. Of an unfinished one `expires` moves with every part.
CREATE TABLE files (
  file     bytea PRIMARY KEY,
  account  bytea NOT NULL,
  device   bytea NOT NULL,
  size     bigint NOT NULL,
  received bigint NOT NULL,
  expires  bigint NOT NULL
);
CREATE INDEX files_by_account ON files (account);
CREATE INDEX files_by_end ON files (expires);

-- One row: the bytes of all files, unfinished ones as large as they will be, and the key of capabilities. It is the lock of
-- whoever makes room.
CREATE TABLE file_room (
  only  boolean PRIMARY KEY CHECK (only),
  bytes bigint NOT NULL,
  key   bytea
) WITH (fillfactor = 50);
INSERT INTO file_room (only, bytes) VALUES (true, 0);

-- Bytes of files, where they are kept here and not in a folder, in parts of one size.
CREATE TABLE file_parts (
  file   bytea NOT NULL REFERENCES files ON DELETE CASCADE,
  number bigint NOT NULL,
  body   bytea NOT NULL,
  PRIMARY KEY (file, number)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE file_parts ALTER COLUMN body SET STORAGE EXTERNAL;

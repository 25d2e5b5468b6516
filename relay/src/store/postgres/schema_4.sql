-- Version 4: files.

-- What is known of a file. `expires` moves once, when it is whole.
CREATE TABLE files (
  file     bytea PRIMARY KEY,
  account  bytea NOT NULL,
  device   bytea NOT NULL,
  size     bigint NOT NULL,
  received bigint NOT NULL,
  expires  bigint NOT NULL
);
-- What a member has of them is summed from the index alone.
CREATE INDEX files_by_account ON files (account) INCLUDE (device, received, size);
CREATE INDEX files_by_end ON files (expires);

-- One row: the bytes of all files, unfinished ones as large as they will be, the key of capabilities, and the
-- name under which a folder of files knows this database. It is the lock of whoever makes room.
CREATE TABLE file_room (
  single boolean PRIMARY KEY CHECK (single),
  bytes bigint NOT NULL,
  key   bytea,
  home  bytea
) WITH (fillfactor = 50);
INSERT INTO file_room (single, bytes) VALUES (true, 0);

-- Bytes in a folder of which nothing is known, and since when that was seen.
CREATE TABLE stray_files (
  file bytea PRIMARY KEY,
  seen bigint NOT NULL
);

-- Bytes of files, where they are kept here and not in a folder, in parts of one size; the last one is shorter.
CREATE TABLE file_parts (
  file   bytea NOT NULL REFERENCES files ON DELETE CASCADE,
  number bigint NOT NULL,
  body   bytea NOT NULL,
  PRIMARY KEY (file, number)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE file_parts ALTER COLUMN body SET STORAGE EXTERNAL;

-- Version 3: many mailboxes share a body, and logs that the relay cannot read.

-- Bodies that several mailboxes reference. The count stands apart, so that counting does not write a body again; its row is
-- the lock of the body.
CREATE TABLE bodies (
  number bigint PRIMARY KEY,
  body   bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE bodies ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE body_references (
  number  bigint PRIMARY KEY,
  waiting bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
-- Numbers of bodies over all nodes; a number that is left out means nothing.
CREATE SEQUENCE body_numbers;

-- Number of a body that others share; NULL: it is in the row. How long it is stands in the row in either case, so that counting
-- what waits needs no other table.
ALTER TABLE queue ADD COLUMN shared bigint;
ALTER TABLE queue ADD COLUMN size bigint;
UPDATE queue SET size = octet_length(body);
ALTER TABLE queue ALTER COLUMN size SET NOT NULL;
ALTER TABLE queue ALTER COLUMN body DROP NOT NULL;

CREATE TABLE opaque_logs (
  log       bytea PRIMARY KEY,
  length    bigint NOT NULL,
  bytes     bigint NOT NULL,
  hash      bytea NOT NULL,
  write_key bytea NOT NULL
);
CREATE TABLE opaque_appends (
  log      bytea NOT NULL,
  position bigint NOT NULL,
  hash     bytea NOT NULL,
  signed   bytea NOT NULL,
  PRIMARY KEY (log, position)
);
ALTER TABLE opaque_appends ALTER COLUMN signed SET STORAGE EXTERNAL;

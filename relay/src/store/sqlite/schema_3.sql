-- Version 3: a queue is a range of one tree, many mailboxes share a body, and logs that the relay cannot read.

-- A device's mailbox is a number: queues are keyed by it and the sequence in one integer.
ALTER TABLE devices ADD COLUMN mailbox INTEGER NOT NULL DEFAULT 0;
UPDATE devices SET mailbox = numbered.n
  FROM (SELECT device AS d, row_number() OVER (ORDER BY device) AS n FROM devices) AS numbered
  WHERE devices.device = numbered.d;
CREATE UNIQUE INDEX devices_by_mailbox ON devices (mailbox);

-- What waits for delivery, one tree for all of it: place = mailbox * 2^40 + seq, so that a queue lies together, in order.
-- The body is last, so that reading the rest does not touch the pages of a long one.
ALTER TABLE queue RENAME TO queue_2;
CREATE TABLE queue (
  place    INTEGER PRIMARY KEY,
  id       BLOB NOT NULL,
  accepted INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  -- Number of a body that others share; NULL: it is here.
  shared   INTEGER,
  body     BLOB
) STRICT;
INSERT INTO queue SELECT d.mailbox * 1099511627776 + q.seq, q.id, q.accepted, q.expires, NULL, q.body
  FROM queue_2 q JOIN devices d ON d.device = q.device ORDER BY 1;
DROP TABLE queue_2;

-- Mailboxes in which something expires before the end of an hour (counted since 1970): what a sweep looks into.
CREATE TABLE due (
  hour    INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  PRIMARY KEY (hour, mailbox)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO due SELECT expires / 3600000 + 1, place >> 40 FROM queue;

-- Bodies that several mailboxes reference. The count stands apart, so that counting does not write a body again.
CREATE TABLE bodies (
  number INTEGER PRIMARY KEY,
  body   BLOB NOT NULL
) STRICT;
CREATE TABLE body_references (
  number  INTEGER PRIMARY KEY,
  waiting INTEGER NOT NULL
) STRICT;

-- Ids of delivered envelopes, by the day (since 1970) of their delivery: today's and yesterday's are asked for.
ALTER TABLE delivered RENAME TO delivered_2;
CREATE TABLE delivered (
  day     INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  id      BLOB NOT NULL,
  PRIMARY KEY (day, mailbox, id)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO delivered SELECT q.until / 86400000 - 1, d.mailbox, q.id
  FROM delivered_2 q JOIN devices d ON d.device = q.device;
DROP TABLE delivered_2;

CREATE TABLE opaque_logs (
  log       BLOB PRIMARY KEY,
  length    INTEGER NOT NULL,
  bytes     INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  write_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE opaque_appends (
  log      BLOB NOT NULL,
  position INTEGER NOT NULL,
  hash     BLOB NOT NULL,
  signed   BLOB NOT NULL,
  PRIMARY KEY (log, position)
) STRICT, WITHOUT ROWID;

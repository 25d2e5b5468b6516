-- Version 1; `schema_2.sql` goes on. A newer version is refused by older relays and left untouched.
-- Queues are keyed by the recipient device throughout, so that they can be partitioned by it.

CREATE TABLE accounts (
  account      BLOB PRIMARY KEY,
  handle       TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  role         INTEGER NOT NULL,
  joined       INTEGER NOT NULL,
  disabled     INTEGER NOT NULL DEFAULT 0,
  log_length   INTEGER NOT NULL,
  log_hash     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Lower-case words of handle and display name: a prefix search is a range of this key.
CREATE TABLE words (
  word    TEXT NOT NULL,
  account BLOB NOT NULL,
  PRIMARY KEY (word, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX words_by_account ON words (account);

CREATE TABLE log_entries (
  account  BLOB NOT NULL,
  position INTEGER NOT NULL,
  hash     BLOB NOT NULL,
  entry    BLOB NOT NULL,
  PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
  device       BLOB PRIMARY KEY,
  account      BLOB NOT NULL,
  signing      BLOB NOT NULL,
  agreement    BLOB NOT NULL,
  active       INTEGER NOT NULL,
  -- Sequence numbers up to here may have been used.
  seq_reserved INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_account ON devices (account, active);

CREATE TABLE bundles (
  device   BLOB PRIMARY KEY,
  sequence INTEGER NOT NULL,
  bundle   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE one_time (
  number INTEGER PRIMARY KEY,
  device BLOB NOT NULL,
  id     INTEGER NOT NULL,
  pair   BLOB NOT NULL,
  UNIQUE (device, id)
) STRICT;

CREATE TABLE invites (
  id        BLOB PRIMARY KEY,
  token     BLOB NOT NULL UNIQUE,
  role      INTEGER NOT NULL,
  uses_left INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  created   INTEGER NOT NULL,
  -- Made at a start without an owner; the next start replaces it.
  first     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What waits for delivery. The body is last, so that reading the rest does not touch its pages.
CREATE TABLE queue (
  number   INTEGER PRIMARY KEY,
  device   BLOB NOT NULL,
  seq      INTEGER NOT NULL,
  id       BLOB NOT NULL,
  accepted INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  body     BLOB NOT NULL,
  UNIQUE (device, seq),
  UNIQUE (device, id)
) STRICT;
CREATE INDEX queue_by_expiry ON queue (expires);

-- Ids of delivered envelopes, for a day. Numbers rise with time: the oldest are swept from the front.
CREATE TABLE delivered (
  number INTEGER PRIMARY KEY,
  until  INTEGER NOT NULL,
  device BLOB NOT NULL,
  id     BLOB NOT NULL,
  UNIQUE (device, id)
) STRICT;

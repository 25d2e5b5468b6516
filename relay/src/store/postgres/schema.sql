-- Version 1; `schema_2.sql` goes on. A newer version is refused by older relays and left untouched. What was released is never changed.
-- Everything that a device owns is keyed by the device first and partitioned by it, so that partitions can be spread over
-- machines; no statement joins two devices' rows but by naming both. Ids are compared as bytes.

CREATE TABLE accounts (
  account      bytea PRIMARY KEY,
  handle       text COLLATE "C" NOT NULL UNIQUE,
  display_name text NOT NULL,
  role         smallint NOT NULL,
  joined       bigint NOT NULL,
  disabled     boolean NOT NULL DEFAULT false,
  log_length   bigint NOT NULL,
  log_hash     bytea NOT NULL
);

-- Lower-case words of handle and display name: a prefix search is a range of this key.
CREATE TABLE words (
  word    text COLLATE "C" NOT NULL,
  account bytea NOT NULL,
  PRIMARY KEY (word, account)
);
CREATE INDEX words_by_account ON words (account, word);

CREATE TABLE log_entries (
  account  bytea NOT NULL,
  position bigint NOT NULL,
  hash     bytea NOT NULL,
  entry    bytea NOT NULL,
  PRIMARY KEY (account, position)
);

CREATE TABLE devices (
  device    bytea PRIMARY KEY,
  account   bytea NOT NULL,
  signing   bytea NOT NULL,
  agreement bytea NOT NULL,
  active    boolean NOT NULL
);
CREATE INDEX devices_by_account ON devices (account) WHERE active;

CREATE TABLE bundles (
  device   bytea PRIMARY KEY,
  sequence bigint NOT NULL,
  bundle   bytea NOT NULL
);

CREATE TABLE one_time (
  device bytea NOT NULL,
  id     bigint NOT NULL,
  -- Rises with age within a device.
  number bigint GENERATED ALWAYS AS IDENTITY,
  pair   bytea NOT NULL,
  PRIMARY KEY (device, id)
);
CREATE INDEX one_time_by_age ON one_time (device, number);

CREATE TABLE invites (
  id        bytea PRIMARY KEY,
  token     bytea NOT NULL UNIQUE,
  role      smallint NOT NULL,
  uses_left bigint NOT NULL,
  expires   bigint NOT NULL,
  created   bigint NOT NULL,
  -- Made at a start without an owner; the next start replaces it.
  first     boolean NOT NULL
);

-- One row for each active device, and its lock: who writes to a queue, deletes from it or ends it holds this row from then
-- to the commit. So numbers become visible in their order, whichever node gave them. Room is left in each page, so that a
-- new version of a row finds place beside the old one.
CREATE TABLE mailboxes (
  device   bytea NOT NULL PRIMARY KEY,
  -- The number given last.
  last_seq bigint NOT NULL DEFAULT 0,
  -- Bytes of the bodies that wait.
  bytes    bigint NOT NULL DEFAULT 0
) PARTITION BY HASH (device);

-- What waits for delivery.
CREATE TABLE queue (
  device   bytea NOT NULL,
  seq      bigint NOT NULL,
  id       bytea NOT NULL,
  accepted bigint NOT NULL,
  expires  bigint NOT NULL,
  body     bytea NOT NULL,
  PRIMARY KEY (device, seq),
  UNIQUE (device, id)
) PARTITION BY HASH (device);
-- Ciphertext: nothing to compress.
ALTER TABLE queue ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX queue_by_expiry ON queue (expires);

-- Ids of delivered envelopes, for a day.
CREATE TABLE delivered (
  device bytea NOT NULL,
  id     bytea NOT NULL,
  until  bigint NOT NULL,
  PRIMARY KEY (device, id)
) PARTITION BY HASH (device);
CREATE INDEX delivered_by_end ON delivered (until);

-- Rows come and go all day: what is dead is taken away early, or indexes fill with it.
DO $$
BEGIN
  FOR part IN 0..7 LOOP
    EXECUTE format('CREATE TABLE mailboxes_%s PARTITION OF mailboxes FOR VALUES WITH (MODULUS 8, REMAINDER %s)
                      WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)', part, part);
    EXECUTE format('CREATE TABLE queue_%s PARTITION OF queue FOR VALUES WITH (MODULUS 8, REMAINDER %s)
                      WITH (autovacuum_vacuum_scale_factor = 0.02)', part, part);
    EXECUTE format('CREATE TABLE delivered_%s PARTITION OF delivered FOR VALUES WITH (MODULUS 8, REMAINDER %s)
                      WITH (autovacuum_vacuum_scale_factor = 0.02)', part, part);
  END LOOP;
END
$$;

-- Numbers connections over all nodes: of two of one device the higher one stays.
CREATE SEQUENCE connections CACHE 1;

-- What the relay's other commands, run beside it or without it, know of the running one.
CREATE TABLE facts (
  name  text PRIMARY KEY,
  value text NOT NULL
);

-- What the last readiness probes wrote: a row or two.
CREATE TABLE probe (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  body   bytea NOT NULL
);

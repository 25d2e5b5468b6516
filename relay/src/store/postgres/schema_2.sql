-- Version 2: administration and the audit log.

-- A device that an administrator suspended: active in its owner's log, and yet nothing is taken from it or for it.
ALTER TABLE devices ADD COLUMN suspended boolean NOT NULL DEFAULT false;

-- Accounts that were removed: their ids are not taken again.
CREATE TABLE removed_accounts (
  account bytea PRIMARY KEY,
  removed bigint NOT NULL
);

-- Handles of removed members that nobody may take until an administrator says so.
CREATE TABLE held_handles (
  handle  text COLLATE "C" PRIMARY KEY,
  account bytea NOT NULL
);

-- Whose standing changed: all nodes look here. The last ones are kept. Numbers are given under the lock of acts, so they become
-- visible in their order: a sequence would let a node look past one that is not committed yet.
CREATE TABLE standing (
  number  bigint PRIMARY KEY,
  account bytea NOT NULL
);

-- The audit log: a chain for each node. `record` is what was hashed.
CREATE TABLE audit (
  node   bytea NOT NULL,
  number bigint NOT NULL,
  time   bigint NOT NULL,
  kept   boolean NOT NULL,
  hash   bytea NOT NULL,
  record bytea NOT NULL,
  PRIMARY KEY (node, number)
);
-- Sign-ins, oldest first.
CREATE INDEX audit_sign_ins ON audit (node, number, time) WHERE NOT kept;

-- Where each chain ends, and up to where its sign-ins may be gone. The row is the chain's lock.
CREATE TABLE audit_chains (
  node       bytea PRIMARY KEY,
  number     bigint NOT NULL,
  hash       bytea NOT NULL,
  kept       bytea NOT NULL,
  checkpoint bigint NOT NULL DEFAULT 0,
  checked    bigint NOT NULL DEFAULT 0
);

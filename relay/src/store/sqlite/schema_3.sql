-- Version 3.

-- A device that an administrator suspended: active in its owner's log, and yet nothing is taken from it or for it.
ALTER TABLE devices ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;

-- Accounts that were removed: their ids are not taken again.
CREATE TABLE removed_accounts (
  account BLOB PRIMARY KEY,
  removed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Handles of removed members that nobody may take until an administrator says so.
CREATE TABLE held_handles (
  handle  TEXT PRIMARY KEY,
  account BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Whose standing changed: other programs and nodes look here. The last ones are kept.
CREATE TABLE standing (
  number  INTEGER PRIMARY KEY AUTOINCREMENT,
  account BLOB NOT NULL
) STRICT;

-- The audit log: a chain for each node. `record` is what was hashed.
CREATE TABLE audit (
  node   BLOB NOT NULL,
  number INTEGER NOT NULL,
  time   INTEGER NOT NULL,
  kept   INTEGER NOT NULL,
  hash   BLOB NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (node, number)
) STRICT, WITHOUT ROWID;
-- Sign-ins, oldest first.
CREATE INDEX audit_sign_ins ON audit (node, number, time) WHERE kept = 0;

-- Where each chain ends, and up to where its sign-ins may be gone.
CREATE TABLE audit_chains (
  node       BLOB PRIMARY KEY,
  number     INTEGER NOT NULL,
  hash       BLOB NOT NULL,
  kept       BLOB NOT NULL,
  checkpoint INTEGER NOT NULL DEFAULT 0,
  checked    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

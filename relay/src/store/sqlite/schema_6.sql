-- Version 6.

-- Ids of delivered envelopes in the order of their delivery, those of one acknowledgement in one row, 16 bytes each. Sorted, and
-- many at a time, they go into `delivered`.
CREATE TABLE delivered_lately (
  number  INTEGER PRIMARY KEY,
  day     INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  ids     BLOB NOT NULL
) STRICT;

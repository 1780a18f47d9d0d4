-- Rehearsals in the order in which they were asked for. How one goes and what became of it is in its operation, so that
-- whatever ends the operation ends the drill.
CREATE TABLE drills (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  failover_id TEXT NOT NULL,
  operation_id TEXT NOT NULL UNIQUE,
  -- Of the spec's content that it is evidence for.
  spec_hash TEXT NOT NULL
);
CREATE INDEX drills_by_failover ON drills (failover_id, seq);

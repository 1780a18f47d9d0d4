-- The last full preflight of each failover, with its evidence.
CREATE TABLE preflights (
  failover_id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  ran_at INTEGER NOT NULL,
  -- Of the spec that it was about.
  revision INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('pass', 'warn', 'fail', 'unknown')),
  -- The ids of the checks that failed, as a JSON list.
  failed TEXT NOT NULL,
  report TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX preflights_by_age ON preflights (account_id, ran_at);

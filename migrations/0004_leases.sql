-- Temporary deviations, each stored before it is made. One that has expired counts for nothing, also before it is removed.
CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  failover_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('switchover', 'drill', 'pause')),
  -- Rises with every renewal: who renews another version than the stored one is refused.
  version INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  lease TEXT NOT NULL
) WITHOUT ROWID;
-- At most one that moves traffic, and at most one pause.
CREATE UNIQUE INDEX leases_moving ON leases (failover_id) WHERE kind <> 'pause';
CREATE UNIQUE INDEX leases_pausing ON leases (failover_id) WHERE kind = 'pause';
CREATE INDEX leases_by_expiry ON leases (account_id, expires_at);

-- While there is a row, nothing of the account's fleet moves but what restores.
CREATE TABLE freezes (
  account_id TEXT PRIMARY KEY,
  frozen_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL
) WITHOUT ROWID;

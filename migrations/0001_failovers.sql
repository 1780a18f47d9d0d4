-- What is wanted. Times are milliseconds since the epoch, by the Coordinator's clock; SQL never asks for the time.

-- The installation's short id stands in every marker, so that two installations in one account never fight.
CREATE TABLE installation (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  short_id TEXT NOT NULL
);

CREATE TABLE failovers (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  hostname TEXT NOT NULL,
  test_hostname TEXT,
  -- NOT NULL carries the compare-and-set: a write that expected another revision sets NULL and the whole batch fails.
  revision INTEGER NOT NULL,
  stage TEXT NOT NULL CHECK (stage IN ('draft', 'testing', 'production')),
  active TEXT NOT NULL CHECK (active IN ('primary', 'secondary')),
  input TEXT NOT NULL,
  facts TEXT NOT NULL,
  adopted TEXT NOT NULL DEFAULT '[]',
  deleting TEXT CHECK (deleting IN ('destroy', 'orphan')),
  -- The instant from which the Coordinator should look at it without waiting for the next minute.
  due_at INTEGER,
  -- Samples of earlier ticks speak of another endpoint.
  witnessed_from INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (account_id, name),
  UNIQUE (account_id, hostname),
  UNIQUE (account_id, test_hostname)
);

-- Cloudflare's objects that were made for a failover, each stored at once after its create.
CREATE TABLE objects (
  failover_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('monitor', 'primary', 'secondary', 'load_balancer')),
  account_id TEXT NOT NULL,
  -- NULL once a GET by id said that it is gone.
  cloudflare_id TEXT,
  -- The desired body that was last seen in place: what differs from it is somebody else's doing.
  applied TEXT,
  PRIMARY KEY (failover_id, role)
) WITHOUT ROWID;

-- What the last look found; written only when it changed.
CREATE TABLE statuses (
  failover_id TEXT PRIMARY KEY,
  status TEXT NOT NULL
) WITHOUT ROWID;

-- Cloudflare's witness, by pool.
CREATE TABLE pool_health (
  failover_id TEXT NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('primary', 'secondary')),
  account_id TEXT NOT NULL,
  health TEXT NOT NULL,
  PRIMARY KEY (failover_id, side)
) WITHOUT ROWID;

-- Our own witness: one compact row a failover and tick.
CREATE TABLE samples (
  failover_id TEXT NOT NULL,
  tick INTEGER NOT NULL,
  sample TEXT NOT NULL,
  PRIMARY KEY (failover_id, tick)
) WITHOUT ROWID;
CREATE INDEX samples_by_tick ON samples (tick);

-- Work longer than a request.
CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  failover_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'aborted')),
  due_at INTEGER,
  created_at INTEGER NOT NULL,
  operation TEXT NOT NULL
);
-- At most one that is under way for a failover, but for mere reconciliations.
CREATE UNIQUE INDEX operations_under_way ON operations (failover_id)
  WHERE status IN ('pending', 'running') AND kind <> 'reconcile';
CREATE INDEX operations_due ON operations (account_id, due_at) WHERE due_at IS NOT NULL;

-- Past-tense facts. seq rises and is never given twice.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  failover_id TEXT NOT NULL,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  request_id TEXT,
  data TEXT NOT NULL
);
CREATE INDEX events_by_failover ON events (failover_id, seq);

-- The last look at the account as a whole.
CREATE TABLE ticks (
  account_id TEXT PRIMARY KEY,
  tick TEXT NOT NULL
) WITHOUT ROWID;

-- The trail of events as a hash chain: src/failover/trail.ts says what a link is.

-- One row an account: how far the chain goes, and from where on it is still kept.
CREATE TABLE trails (
  account_id TEXT PRIMARY KEY,
  -- The head: the last event that was sealed. NOT NULL carries the compare-and-set.
  sealed_seq INTEGER NOT NULL,
  sealed_position INTEGER NOT NULL,
  sealed_hash TEXT NOT NULL,
  sealed_at INTEGER NOT NULL,
  -- The checkpoint: the last event that was pruned, so that the rest can still be verified; the genesis before that.
  pruned_seq INTEGER NOT NULL DEFAULT 0,
  pruned_position INTEGER NOT NULL DEFAULT 0,
  pruned_hash TEXT NOT NULL,
  pruned_at INTEGER
) WITHOUT ROWID;

-- One row a sealed event. The events themselves are only ever inserted, and pruned.
CREATE TABLE seals (
  seq INTEGER PRIMARY KEY,
  account_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  hash TEXT NOT NULL
);

-- Drift of which the account's audit log may say whose doing it was.
CREATE TABLE unattributed (
  event_id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  failover_id TEXT NOT NULL,
  about TEXT NOT NULL,
  detected_at INTEGER NOT NULL,
  asked INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX unattributed_due ON unattributed (account_id, due_at);

-- Whether that log can be read: NULL where it could, else why not.
CREATE TABLE audit_logs (
  account_id TEXT PRIMARY KEY,
  read_at INTEGER NOT NULL,
  unreadable TEXT
) WITHOUT ROWID;

-- What came in, as it came, until it is pruned. Each is only a hint to look; one that is sent again is counted.
CREATE TABLE webhooks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('cloudflare', 'deploys')),
  dedupe_key TEXT NOT NULL,
  type TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  deliveries INTEGER NOT NULL DEFAULT 1,
  -- Never those that authenticate.
  headers TEXT NOT NULL,
  body TEXT NOT NULL,
  -- NULL until the Coordinator has looked.
  processed_at INTEGER,
  outcome TEXT,
  UNIQUE (account_id, source, dedupe_key)
);
CREATE INDEX webhooks_waiting ON webhooks (account_id, seq) WHERE processed_at IS NULL;
CREATE INDEX webhooks_by_age ON webhooks (account_id, received_at);

-- Pages projects that are endpoints: what they serve, and what it was found to be worth.
CREATE TABLE pages_projects (
  account_id TEXT NOT NULL,
  project TEXT NOT NULL,
  due_at INTEGER,
  watch TEXT NOT NULL,
  PRIMARY KEY (account_id, project)
) WITHOUT ROWID;

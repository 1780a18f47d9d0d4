-- The webhook destination at Cloudflare and a hash of the secret that it was given: Cloudflare never shows it again.
CREATE TABLE webhook_destinations (
  account_id TEXT PRIMARY KEY,
  destination_id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  set_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Tokens of the API. The token itself is shown once and never stored: 256 random bits need no salt and no slow hash.
CREATE TABLE tokens (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  -- SHA-256, hexadecimal.
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  -- Name patterns; NULL for every failover.
  failovers TEXT,
  created_by_kind TEXT NOT NULL,
  created_by_name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
);
-- An actor's name means one token at a time; a revoked one gives its name back.
CREATE UNIQUE INDEX tokens_by_name ON tokens (account_id, name) WHERE revoked_at IS NULL;

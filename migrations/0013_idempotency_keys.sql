-- What was asked under an Idempotency-Key, and what came of it. Only requests with that header leave a row.
CREATE TABLE idempotency_keys (
  -- Never given twice: a late write of a claim that was pruned must find nothing.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id TEXT NOT NULL,
  principal TEXT NOT NULL,
  -- Method and path as they were asked for.
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  -- SHA-256 of the request: a key stands for one. Empty after a refusal, which changed nothing: any may come next.
  fingerprint TEXT NOT NULL,
  -- Who works at it. NOT NULL carries the fence: an effect whose claim was taken over sets NULL, and its batch fails.
  claim TEXT NOT NULL,
  -- From then on another request may take it over, where nothing has come of it.
  claimed_until INTEGER NOT NULL,
  -- What was done, written in the batch that did it; without one-time secrets.
  outcome TEXT,
  -- What was answered, once it was; without one-time secrets.
  answer TEXT,
  created_at INTEGER NOT NULL,
  UNIQUE (account_id, principal, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (account_id, created_at);

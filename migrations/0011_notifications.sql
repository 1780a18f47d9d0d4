-- Who is told of what happens, what is going on, and every message on its way.

-- `url` and `secrets` are sealed (AES-GCM); `shown_url` is what may be shown of the URL.
CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('slack', 'discord', 'teams', 'pagerduty', 'webhook')),
  shown_url TEXT NOT NULL,
  url TEXT NOT NULL,
  secrets TEXT NOT NULL,
  filter TEXT NOT NULL,
  -- Why nothing is sent to it; NULL while it is in use.
  disabled TEXT,
  -- Its receiver asked for a pause, or is out of order.
  held_until INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (account_id, name)
);

-- How far the events have become messages. NOT NULL carries the compare-and-set.
CREATE TABLE outboxes (
  account_id TEXT PRIMARY KEY,
  event_seq INTEGER NOT NULL
) WITHOUT ROWID;

-- What is wrong at present, or was until just now; `due_at` is when it has to be looked at although nothing happens.
CREATE TABLE incidents (
  account_id TEXT NOT NULL,
  key TEXT NOT NULL,
  due_at INTEGER,
  incident TEXT NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;

-- A message on its way to a channel. A lane is a channel and a failover: within it only the first pending one has an
-- instant at which it is due, and the others wait for it.
CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  channel_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  due_at INTEGER,
  -- Somebody is sending it; a crash leaves it due again at this instant.
  claimed_until INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- The three days of its attempts count from here.
  started_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  last_attempt_at INTEGER,
  last_status INTEGER,
  last_error TEXT,
  message TEXT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (account_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_by_channel ON deliveries (channel_id, seq);
CREATE INDEX deliveries_by_lane ON deliveries (channel_id, lane, seq) WHERE status = 'pending';

-- What the last tick would have healed unasked and was too much, until a person agrees or it is less.
CREATE TABLE brakes (
  account_id TEXT PRIMARY KEY,
  brake TEXT NOT NULL
) WITHOUT ROWID;

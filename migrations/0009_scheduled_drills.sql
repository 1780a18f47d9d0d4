-- What became of the last opening of the windows in which drills are repeated: each has one of them at most.
ALTER TABLE failovers ADD COLUMN drill_opening TEXT;

-- A drill that was broken off ends at once, and what was before comes back afterwards: until that was read back, or
-- somebody else wants another order, somebody has to look.
ALTER TABLE drills ADD COLUMN awaits_restoring INTEGER NOT NULL DEFAULT 0;
ALTER TABLE drills ADD COLUMN restored_at INTEGER;
ALTER TABLE drills ADD COLUMN taken_over_by TEXT;
CREATE INDEX drills_awaiting ON drills (failover_id) WHERE awaits_restoring = 1;

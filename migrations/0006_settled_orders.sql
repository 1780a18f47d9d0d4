-- Who settled the order that stands as long as no lease moves traffic, and when: what a person settled no policy undoes.
ALTER TABLE failovers ADD COLUMN settled_by TEXT NOT NULL DEFAULT 'person' CHECK (settled_by IN ('person', 'policy'));
ALTER TABLE failovers ADD COLUMN settled_at INTEGER NOT NULL DEFAULT 0;

-- What an import found and the failover leaves as it is: the names of pools and origins, and members kept alone.
ALTER TABLE failovers ADD COLUMN imported TEXT;

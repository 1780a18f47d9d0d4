-- Neither does a request that waits for another person.
DROP INDEX operations_under_way;
CREATE UNIQUE INDEX operations_under_way ON operations (failover_id)
  WHERE status IN ('pending', 'running') AND kind NOT IN ('reconcile', 'scheduled-switch-over', 'approval');

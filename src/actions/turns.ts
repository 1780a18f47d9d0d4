/** One at a time for each failover, in the order of asking; different failovers don't wait for one another. */
export interface Turns {
  alone<T>(failoverId: string, work: () => Promise<T>): Promise<T>;
  turnsOf(failoverId: string): number;
  allTurns(): ReadonlyMap<string, number>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  const counts = new Map<string, number>();
  return {
    async alone(failoverId, work) {
      const before = last.get(failoverId) ?? Promise.resolve();
      const mine = before.then(work, work);
      const settled = mine.catch(() => undefined);
      last.set(failoverId, settled);
      try {
        return await mine;
      } finally {
        counts.set(failoverId, (counts.get(failoverId) ?? 0) + 1);
        if (last.get(failoverId) === settled) last.delete(failoverId);
      }
    },
    turnsOf: (failoverId) => counts.get(failoverId) ?? 0,
    allTurns: () => new Map(counts),
  };
}

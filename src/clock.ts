/** The service's own time. It runs at real speed, but for rehearsals, which may live faster. */
export interface ServiceClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits so many milliseconds of this clock's time. */
  sleep(ms: number): Promise<void>;
  /** The real instant at which this clock shows `at`; for alarms, which know nothing of rehearsals. */
  realInstantOf(at: number): number;
}

/** `epochMs` is the real instant at which both clocks showed the same. */
export function createClock(rate: number, epochMs: number): ServiceClock {
  return {
    now: () => (rate === 1 ? Date.now() : Math.floor(epochMs + (Date.now() - epochMs) * rate)),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / rate)),
    realInstantOf: (at) => (rate === 1 ? at : Math.ceil(epochMs + (at - epochMs) / rate)),
  };
}

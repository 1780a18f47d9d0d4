// What can go wrong between a caller and Cloudflare's API. The gateway carries it out.

export interface Match {
  method?: string;
  /** A pattern, or a part of the path; without the query. */
  path?: RegExp | string;
  /** Counted from 1 among the calls that match. */
  nth?: number;
  /** How many matching calls are affected, 1 unless told; Infinity for all. */
  times?: number;
}

export type When = "before" | "after";

export type Effect =
  | {
      kind: "status";
      status: number;
      code?: number;
      message?: string;
      when: When;
      body?: "envelope" | "html" | "empty" | "null" | "garbage";
    }
  | { kind: "drop"; when: When }
  | { kind: "timeout"; when: When }
  | { kind: "late"; landsAfterMs: number }
  | { kind: "delay"; ms: number }
  | { kind: "rate-limit"; retryAfterSeconds?: number }
  | { kind: "stale-list" }
  | { kind: "partial-list"; omit: (object: Record<string, unknown>) => boolean }
  | { kind: "success-false"; code: number; message: string };

export interface CallRecord {
  method: string;
  path: string;
  query: string;
  body: unknown;
  /** ms, by the injected clock. */
  at: number;
  /** 0 while it runs, and where no answer came. */
  status: number;
  write: boolean;
}

export type Hook = (call: CallRecord) => void | Promise<void>;

export interface FaultHandle {
  remove(): void;
  readonly hits: number;
}

export interface Faults {
  add(fault: { match: Match; effect: Effect }): FaultHandle;
  /** Runs before the call is answered: somebody's edit between a read and a write, a crash. */
  before(match: Match, hook: Hook): FaultHandle;
  /** Runs after the call took effect, before its caller gets the answer. */
  after(match: Match, hook: Hook): FaultHandle;
  clear(): void;
}

interface Armed {
  match: Match;
  seen: number;
  hits: number;
}

type Fault = Armed & ({ effect: Effect } | { hook: Hook; when: When });

export interface FaultBook extends Faults {
  /** Counts the call against every fault, and answers those that strike. */
  strike(call: CallRecord): { effects: Effect[]; before: Hook[]; after: Hook[] };
}

function matches(match: Match, call: CallRecord): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== call.method) return false;
  if (match.path === undefined) return true;
  // A pattern may be written with the API's prefix or without.
  const paths = [call.path, `/client/v4${call.path}`];
  const { path } = match;
  if (typeof path === "string") return paths.some((candidate) => candidate.includes(path));
  const pattern = new RegExp(path.source, path.flags.replace("g", ""));
  return paths.some((candidate) => pattern.test(candidate));
}

function isDue(fault: Fault, call: CallRecord): boolean {
  if (!matches(fault.match, call)) return false;
  fault.seen += 1;
  if (fault.seen < (fault.match.nth ?? 1)) return false;
  if (fault.hits >= (fault.match.times ?? 1)) return false;
  fault.hits += 1;
  return true;
}

export function createFaults(): FaultBook {
  const faults = new Set<Fault>();
  const arm = (fault: Fault): FaultHandle => {
    faults.add(fault);
    return {
      remove: () => void faults.delete(fault),
      get hits() {
        return fault.hits;
      },
    };
  };
  return {
    add: ({ match, effect }) => arm({ match, effect, seen: 0, hits: 0 }),
    before: (match, hook) => arm({ match, hook, when: "before", seen: 0, hits: 0 }),
    after: (match, hook) => arm({ match, hook, when: "after", seen: 0, hits: 0 }),
    clear: () => faults.clear(),
    strike: (call) => {
      const effects: Effect[] = [];
      const before: Hook[] = [];
      const after: Hook[] = [];
      for (const fault of faults) {
        if (!isDue(fault, call)) continue;
        if ("effect" in fault) effects.push(fault.effect);
        else (fault.when === "before" ? before : after).push(fault.hook);
      }
      return { effects, before, after };
    },
  };
}

import { CloudflareError, type Envelope } from "./errors.ts";
import type { Call } from "./transport.ts";

/** Thrown in the place of a call that a meter no longer allows; nothing was asked. */
export class CallsUsedUp extends CloudflareError {
  constructor(why: string) {
    super("unavailable", why);
  }
}

/** Counts calls and ends them at a limit, so that what asks much can't ask without end. */
export interface Meter {
  readonly call: Call;
  calls(): number;
  /** Gives free what was kept back. */
  release(): void;
}

/** What was read for one subject and is the same for the next: answers by path and query. */
export type SharedAnswers = Map<string, Promise<Envelope>>;

export interface MeterOptions {
  readonly most: number;
  /** So many are kept back until `release`. */
  readonly reserved: number;
  /** True once it is too late to ask anything more. */
  readonly isOver?: () => boolean;
  /** What stands in it costs nothing. */
  readonly shared?: SharedAnswers | undefined;
}

export function createMeter(call: Call, { most, reserved, shared, isOver }: MeterOptions): Meter {
  let calls = 0;
  let limit = most - reserved;
  const counted: Call = async (...request) => {
    if (calls >= limit) throw new CallsUsedUp(`the ${most} calls that this may cost are used up`);
    if (isOver?.() === true) throw new CallsUsedUp("the time that this may take is used up");
    calls += 1;
    return call(...request);
  };
  return {
    call: (priority, method, path, options) => {
      // What becomes of a preview is asked again and again.
      if (shared === undefined || method !== "get" || path.includes("/preview/"))
        return counted(priority, method, path, options);
      const key = JSON.stringify([path, options?.query ?? {}]);
      const answer = shared.get(key) ?? counted(priority, method, path, options);
      shared.set(key, answer);
      return answer;
    },
    calls: () => calls,
    release: () => {
      limit = most;
    },
  };
}

import { CloudflareError } from "./errors.ts";
import type { Call } from "./transport.ts";

/** Thrown in the place of a call that a meter no longer allows; nothing was asked. */
export class CallsUsedUp extends CloudflareError {
  constructor(most: number) {
    super("unavailable", `the ${most} calls that this may cost are used up`);
  }
}

/** Counts calls and ends them at a limit, so that what asks much can't ask without end. */
export interface Meter {
  readonly call: Call;
  calls(): number;
}

/** `reserved` calls are kept for whoever asks for them by `release`. */
export function createMeter(call: Call, most: number, reserved = 0): Meter & { release(): void } {
  let calls = 0;
  let limit = most - reserved;
  return {
    call: async (...request) => {
      if (calls >= limit) throw new CallsUsedUp(most);
      calls += 1;
      return call(...request);
    },
    calls: () => calls,
    release: () => {
      limit = most;
    },
  };
}

import type { CoordinatorPort } from "../actions/coordinator-port.ts";
import type { ReaderPort } from "../actions/reader-port.ts";
import type { Actor } from "../failover/results.ts";

/** All that the API needs of the world; the composition root hands it in. */
export interface ApiDependencies {
  readonly coordinator: CoordinatorPort;
  readonly reader: ReaderPort;
  readonly adminToken: string;
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  readonly log: (entry: object) => void;
}

/** What middleware leaves for the handlers after it. */
export interface ApiEnv {
  Variables: {
    requestId: string;
    /** Set on every route that demands a token. */
    actor: Actor;
  };
}

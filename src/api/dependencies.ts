import type { CoordinatorPort } from "../actions/coordinator-port.ts";
import type { KeysPort } from "../actions/idempotency-keys.ts";
import type { Inbox } from "../actions/inbox.ts";
import type { ReaderPort } from "../actions/reader-port.ts";
import type { TokensPort } from "../actions/tokens-port.ts";
import type { TrailPort } from "../actions/trail-port.ts";
import type { Principal, Scope } from "../failover/access.ts";
import type { AccessGrant } from "../failover/access-grants.ts";
import type { Claim } from "../failover/idempotency.ts";
import type { Verified } from "./access-jwt.ts";
import type { Limiter } from "./rate-limit.ts";

/** All that the API needs of the world; the composition root hands it in. */
export interface ApiDependencies {
  readonly coordinator: CoordinatorPort;
  readonly reader: ReaderPort;
  readonly trail: TrailPort;
  readonly tokens: TokensPort;
  readonly keys: KeysPort;
  readonly inbox: Inbox;
  readonly webhookSecrets: {
    /** What Cloudflare's notifications carry; null where none is set. */
    readonly cloudflare: string | null;
    /** Any of these signs the word of a pipeline. */
    readonly deploys: readonly string[];
  };
  readonly adminToken: string;
  /** Null unless Cloudflare Access is configured. */
  readonly access: {
    readonly verify: (jwt: string) => Promise<Verified>;
    readonly grants: readonly AccessGrant[];
  } | null;
  readonly limits: {
    /** By principal. */
    readonly requests: Limiter | null;
    /** What `requests` lets through in a minute, as far as it is told. */
    readonly requestsPerMinute: number | null;
    /** Requests without a valid token, by the client's address. */
    readonly failures: Limiter | null;
  };
  /** What is deployed beside the Worker: the package of Swagger UI. */
  readonly assets: Pick<Fetcher, "fetch"> | null;
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  readonly log: (entry: object) => void;
}

/** What middleware leaves for the handlers after it. */
export interface ApiEnv {
  Variables: {
    requestId: string;
    /** These are set on every route that demands a token: who asks, and the scope that the route needs. */
    principal: Principal;
    scope: Scope;
    /** The ids of the failovers that a list may tell of; null where it may tell of everything. */
    visible: readonly string[] | null;
    /** Of a request with an Idempotency-Key: its body, which was read already … */
    bytes?: Uint8Array;
    /** … the right to act under the key … */
    claim?: Claim;
    /** … or what was done under it before. */
    known?: { readonly outcome: unknown };
  };
}

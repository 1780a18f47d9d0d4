import type { CloudflareAccount } from "../cloudflare/account.ts";
import type { CloudflareAlerting } from "../cloudflare/alerting.ts";
import type { CloudflareAuditLog } from "../cloudflare/audit-log.ts";
import type { Budget, Priority } from "../cloudflare/budget.ts";
import type { CloudflareDeployments } from "../cloudflare/deployments.ts";
import type { CloudflareInspection } from "../cloudflare/inspection.ts";
import type { Meter, MeterOptions } from "../cloudflare/meter.ts";
import type { Inspector } from "../probing/inspect.ts";
import type { Vault } from "../notifications/sealing.ts";
import type { SendPorts } from "../notifications/send.ts";
import type { LinkOf } from "../notifications/words.ts";
import type { Prober } from "../probing/prober.ts";
import type { Resolve } from "../probing/resolve.ts";
import type { Claim } from "../failover/idempotency.ts";
import type { Intents } from "./intents.ts";
import type { Snapshots } from "./snapshot.ts";

/** The instant, as the Coordinator sees it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** What the verbs of this folder work with. Only the Coordinator has one: it alone writes to Cloudflare. */
export interface Context {
  readonly accountId: string;
  /** Another one whenever the Coordinator was started anew: what this one watches, it has watched all along. */
  readonly incarnation: string;
  /** This installation's short id, as it stands in markers. */
  readonly installation: string;
  readonly db: D1Database;
  readonly clock: Clock;
  readonly budget: Budget;
  cloudflare(priority: Priority): CloudflareAccount;
  /** Cloudflare's notifications; where they go, and what they carry: null where it isn't set. */
  readonly alerting: {
    at(priority: Priority): CloudflareAlerting;
    readonly url: string | null;
    readonly secret: string | null;
  };
  /** What the account's Pages projects serve. */
  deployments(priority: Priority): CloudflareDeployments;
  /** The same account and more to ask of it, with every call counted. */
  inspecting(
    priority: Priority,
    limits: MeterOptions,
  ): {
    readonly account: CloudflareAccount;
    readonly inspection: CloudflareInspection;
    readonly meter: Meter;
  };
  /** Who changed what in the account. */
  readonly auditLog: CloudflareAuditLog;
  readonly intents: Intents;
  readonly snapshots: Snapshots;
  readonly prober: Prober;
  readonly inspector: Inspector;
  readonly resolve: Resolve;
  readonly notifications: {
    /** Null where there is no DATA_KEY: then no channel can be made, and none be used. */
    readonly vault: Vault | null;
    readonly send: SendPorts;
    readonly linkOf: LinkOf;
  };
  /** For how long events are kept, in ms; null where they are kept for ever. */
  readonly keepEventsMs: number | null;
  /** When the account was last read completely, ms since the epoch. */
  lastLookAt(): number | null;
  /** The queue of probe shards. */
  readonly probes: Queue;
  /** `fo`, `op`, `evt` → a new id with that prefix. */
  newId(prefix: string): string;
  readonly log: (entry: object) => void;
  /** Of the request that is acted for, where it has an Idempotency-Key: see `keepOutcome`. */
  readonly claim: Claim | null;
  /** Runs alone among all that is done to one failover. */
  alone<T>(failoverId: string, work: () => Promise<T>): Promise<T>;
  /** How often a failover was worked on, so that whoever loaded it earlier knows whether it may have changed. */
  turnsOf(failoverId: string): number;
  allTurns(): ReadonlyMap<string, number>;
}

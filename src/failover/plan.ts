import type { Kind, Role } from "./marker.ts";
export interface Difference {
  /** Begins with Cloudflare's member name, e.g. `adaptive_routing.failover_across_pools`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}
export interface ForeignRouting {
  readonly path: string;
  readonly message: string;
}
export interface Change {
  readonly action: "create" | "update" | "delete";
  readonly kind: Kind;
  readonly role: Role;
  /** Null where it is yet to be created. */
  readonly id: string | null;
  readonly reason: string;
  readonly differences: readonly Difference[];
  /** What would be sent: the whole object of a create, exactly the drifted members of an update. */
  readonly body: Readonly<Record<string, unknown>>;
}

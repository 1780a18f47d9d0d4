// The nouns of the core: a failover as it is wanted and recorded, and the facts of Cloudflare that its spec leans on.
import type { Role } from "./marker.ts";
import type { SpecInput } from "./spec.ts";

export type Stage = "draft" | "testing" | "production";
export type Side = "primary" | "secondary";
export const SIDES: readonly Side[] = ["primary", "secondary"];

export function otherSide(side: Side): Side {
  return side === "primary" ? "secondary" : "primary";
}

/** What was read of Cloudflare and doesn't change by itself. Null where it could not be read yet. */
export interface Facts {
  readonly zone: { readonly id: string; readonly name: string } | null;
  /** Pages project name → its `subdomain`, always as the API reports it (API-FACTS 12.1). */
  readonly subdomains: Readonly<Record<string, string>>;
}

/** A deviation in role that somebody made at Cloudflare and a person accepted: wanted for as long as it is in place. */
export interface AdoptedDrift {
  readonly role: Role;
  readonly path: string;
  readonly value: unknown;
}

/** A member of Cloudflare's that an import left as it was; `path` as differences name it. */
export interface KeptMember {
  readonly role: Role;
  readonly path: string;
}

/** What an import found and a spec can't say. */
export interface Imported {
  /** The names that the pools and their one origin had, and keep. */
  readonly pools: Readonly<Record<Side, string>>;
  readonly origins: Readonly<Record<Side, string>>;
  readonly kept: readonly KeptMember[];
}

/** One managed pair: the user's intent and the ids of what was made for it. */
export interface Failover {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** Rises with every change of intent: spec, stage, active. */
  readonly revision: number;
  readonly stage: Stage;
  /** The endpoint that stands first in `default_pools` now: by a lease that moves traffic, else the settled one. */
  readonly active: Side;
  /** The endpoint that stands first as long as no lease moves traffic. */
  readonly settledActive: Side;
  /** Who settled that order, and when: what a person settled no failback policy undoes. */
  readonly settledBy: "person" | "policy";
  /** Milliseconds since the epoch. */
  readonly settledAt: number;
  /** The endpoint whose pool a lease takes out of use now; null where none does. */
  readonly disabled: Side | null;
  readonly input: SpecInput;
  readonly facts: Facts;
  readonly adopted: readonly AdoptedDrift[];
  /** Null where the service made the objects itself. */
  readonly imported: Imported | null;
  readonly deleting: "destroy" | "orphan" | null;
  readonly ids: Readonly<Partial<Record<Role, string>>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

import { isHeldBack, type Brake } from "../failover/brake.ts";
import { completeSpec } from "../failover/complete.ts";
import type { ProjectWatch } from "../failover/deploys.ts";
import type { Body } from "../failover/desired.ts";
import type { DrillOpening } from "../failover/drill-schedule.ts";
import type { Failover, Side, Stage } from "../failover/failover.ts";
import type { Role } from "../failover/marker.ts";
import type { FailoverEvent, Operation, Sample } from "../failover/results.ts";
import { activeNow, disabledNow, type Lease } from "../failover/leases.ts";
import { newStatus, type StoredStatus } from "../failover/status.ts";
import { WITNESS_FRESH_MS, type PoolHealth } from "../failover/verdict.ts";
import { toFreeze, type Freeze, type FreezeRow } from "./freezes.ts";
import { selectWatches, toWatches } from "./pages.ts";

/** A failover with all that the last looks left behind: what a tick starts from. */
export interface FailoverRecord {
  readonly failover: Failover;
  readonly applied: Readonly<Partial<Record<Role, Body>>>;
  readonly status: StoredStatus;
  readonly health: Readonly<Partial<Record<Side, PoolHealth>>>;
  /** Fresh ones, in tick order. */
  readonly samples: readonly Sample[];
  /** Also those that have expired and aren't removed yet. */
  readonly leases: readonly Lease[];
  /** Null unless the account's fleet is frozen. */
  readonly freeze: Freeze | null;
  /** Null unless its healing is held back because too much would change at once. */
  readonly brake: Brake | null;
  /** The operation under way, if any; a mere reconciliation doesn't count. */
  readonly operation: Operation | null;
  /** What became of the last opening of the drills' windows; null before the first. */
  readonly drillOpening: DrillOpening | null;
  /** The id of a drill that was broken off and whose end nobody has seen yet; null where there is none. */
  readonly unrestoredDrill: string | null;
  /** What is known of the account's Pages projects that are endpoints, by name. */
  readonly pages: ReadonlyMap<string, ProjectWatch>;
  /** The instant from which it wants a look without waiting for the next minute, ms since the epoch. */
  readonly dueAt: number | null;
}

interface FailoverRow {
  id: string;
  account_id: string;
  name: string;
  revision: number;
  stage: Stage;
  active: Side;
  settled_by: Failover["settledBy"];
  settled_at: number;
  input: string;
  facts: string;
  adopted: string;
  imported: string | null;
  deleting: "destroy" | "orphan" | null;
  due_at: number | null;
  drill_opening: string | null;
  unrestored_drill: string | null;
  created_at: number;
  updated_at: number;
}

interface ObjectRow {
  failover_id: string;
  role: Role;
  cloudflare_id: string | null;
  applied: string | null;
}

/** Thrown where a write expected a revision that is no longer the stored one; nothing of its batch was written. */
export class RevisionConflict extends Error {}
/** Thrown where a lease was to be renewed of which another version is stored; nothing of its batch was written. */
export class LeaseConflict extends Error {}
/** Thrown where a name or hostname is already another failover's; nothing of its batch was written. */
export class NameTaken extends Error {
  readonly column: string;
  constructor(column: string) {
    super(`${column} is taken`);
    this.column = column;
  }
}
/** Thrown where another request has the Idempotency-Key by now; nothing of its batch was written. */
export class ClaimLost extends Error {}
/** Thrown where another operation of the failover is under way; nothing of its batch was written. */
export class OperationUnderWay extends Error {}

function toFailover(
  row: FailoverRow,
  objects: readonly ObjectRow[],
  leases: readonly Lease[],
  now: number,
): Failover {
  const ids = objects.flatMap(({ role, cloudflare_id }) =>
    cloudflare_id === null ? [] : [[role, cloudflare_id]],
  );
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    revision: row.revision,
    stage: row.stage,
    active: activeNow(row.active, leases, now),
    settledActive: row.active,
    settledBy: row.settled_by,
    settledAt: row.settled_at,
    disabled: disabledNow(leases, now),
    input: JSON.parse(row.input) as Failover["input"],
    facts: JSON.parse(row.facts) as Failover["facts"],
    adopted: JSON.parse(row.adopted) as Failover["adopted"],
    imported: row.imported === null ? null : (JSON.parse(row.imported) as Failover["imported"]),
    deleting: row.deleting,
    ids: Object.fromEntries(ids) as Failover["ids"],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function groupBy<T extends { failover_id: string }>(rows: readonly T[]): Map<string, T[]> {
  return Map.groupBy(rows, (row) => row.failover_id);
}

/** Which failovers to read: all of the account, those of a page, or one by id or name; `among` are ids, null all. */
export type Selection =
  | { readonly all: true; readonly among?: readonly string[] | null }
  | { readonly reference: string }
  | { readonly after: string; readonly limit: number; readonly among: readonly string[] | null };

const AMONG = "(?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))";

function conditionOf(accountId: string, selection: Selection): [string, unknown[]] {
  if ("reference" in selection)
    return ["account_id = ?1 AND (id = ?2 OR name = ?2)", [accountId, selection.reference]];
  const { among = null } = selection;
  const ids = among === null ? null : JSON.stringify(among);
  if ("all" in selection) return [`account_id = ?1 AND ${AMONG}`, [accountId, ids]];
  const { after, limit } = selection;
  return [`account_id = ?1 AND ${AMONG} AND id > ?3 ORDER BY id LIMIT ?4`, [accountId, ids, after, limit]];
}

/**
 * Reads whole records in one round trip, as they are at `now` (ms since the epoch): older samples say nothing of now.
 * Where several are read, one that makes no sense is left out and told to `unreadable`; without that it is thrown.
 */
export async function loadRecords(
  db: D1Database,
  accountId: string,
  selection: Selection,
  now: number,
  unreadable?: (failoverId: string, error: unknown) => void,
): Promise<FailoverRecord[]> {
  const [where, parameters] = conditionOf(accountId, selection);
  const chosen = `SELECT id FROM failovers WHERE ${where}`;
  const query = (sql: string, ...more: unknown[]) => db.prepare(sql).bind(...parameters, ...more);
  const next = `?${parameters.length + 1}`;
  const [failovers, objects, statuses, health, samples, operations, leases, freezes, brakes, watches] =
    await db.batch<never>([
      query(
        `SELECT *, (SELECT id FROM drills WHERE failover_id = failovers.id AND awaits_restoring = 1 LIMIT 1) AS unrestored_drill
       FROM failovers WHERE id IN (${chosen}) ORDER BY id`,
      ),
      query(`SELECT * FROM objects WHERE failover_id IN (${chosen})`),
      query(`SELECT * FROM statuses WHERE failover_id IN (${chosen})`),
      query(`SELECT * FROM pool_health WHERE failover_id IN (${chosen})`),
      query(
        `SELECT failover_id, sample FROM samples WHERE failover_id IN (${chosen}) AND tick >= ${next} ORDER BY tick`,
        now - WITNESS_FRESH_MS,
      ),
      query(
        `SELECT failover_id, operation FROM operations
       WHERE failover_id IN (${chosen}) AND status IN ('pending', 'running')
         AND kind NOT IN ('reconcile', 'scheduled-switch-over', 'approval')`,
      ),
      query(`SELECT failover_id, lease FROM leases WHERE failover_id IN (${chosen})`),
      db.prepare("SELECT frozen_at, reason, actor FROM freezes WHERE account_id = ?1").bind(accountId),
      db.prepare("SELECT brake FROM brakes WHERE account_id = ?1").bind(accountId),
      selectWatches(db, accountId),
    ]);
  const [freeze] = (freezes?.results ?? []) as FreezeRow[];
  const [braked] = (brakes?.results ?? []) as { brake: string }[];
  const brake = braked === undefined ? null : (JSON.parse(braked.brake) as Brake);
  const pages = toWatches(watches?.results ?? []);
  const byFailover = {
    objects: groupBy<ObjectRow>(objects?.results ?? []),
    statuses: groupBy<{ failover_id: string; status: string }>(statuses?.results ?? []),
    health: groupBy<{ failover_id: string; side: Side; health: string }>(health?.results ?? []),
    samples: groupBy<{ failover_id: string; sample: string }>(samples?.results ?? []),
    operations: groupBy<{ failover_id: string; operation: string }>(operations?.results ?? []),
    leases: groupBy<{ failover_id: string; lease: string }>(leases?.results ?? []),
  };
  const toRecord = (row: FailoverRow): FailoverRecord => {
    const own = byFailover.objects.get(row.id) ?? [];
    const applied = own.flatMap((one) =>
      one.applied === null ? [] : [[one.role, JSON.parse(one.applied) as Body]],
    );
    const status = byFailover.statuses.get(row.id)?.[0];
    const pools = (byFailover.health.get(row.id) ?? []).map((one) => [
      one.side,
      JSON.parse(one.health) as PoolHealth,
    ]);
    const operation = byFailover.operations.get(row.id)?.[0];
    const held = (byFailover.leases.get(row.id) ?? []).map((one) => JSON.parse(one.lease) as Lease);
    const failover = toFailover(row, own, held, now);
    // Throws where the spec isn't one: nothing could be done with such a failover.
    completeSpec(failover.input, failover.facts);
    return {
      failover,
      applied: Object.fromEntries(applied) as FailoverRecord["applied"],
      status:
        status === undefined ? newStatus("not looked at yet") : (JSON.parse(status.status) as StoredStatus),
      health: Object.fromEntries(pools) as FailoverRecord["health"],
      samples: (byFailover.samples.get(row.id) ?? []).map((one) => JSON.parse(one.sample) as Sample),
      leases: held,
      freeze: freeze === undefined ? null : toFreeze(freeze),
      brake: isHeldBack(brake, row.id) ? brake : null,
      operation: operation === undefined ? null : (JSON.parse(operation.operation) as Operation),
      drillOpening: row.drill_opening === null ? null : (JSON.parse(row.drill_opening) as DrillOpening),
      unrestoredDrill: row.unrestored_drill,
      pages,
      dueAt: row.due_at,
    };
  };
  return ((failovers?.results ?? []) as FailoverRow[]).flatMap((row) => {
    try {
      return [toRecord(row)];
    } catch (error) {
      if (unreadable === undefined) throw error;
      unreadable(row.id, error);
      return [];
    }
  });
}

/** The intent as it is stored this very moment; null where the failover is gone. */
export async function loadIntent(
  db: D1Database,
  failoverId: string,
): Promise<{ revision: number; deleting: Failover["deleting"] } | null> {
  return db.prepare("SELECT revision, deleting FROM failovers WHERE id = ?1").bind(failoverId).first();
}

/** Who has a name or one of the hostnames already, other than the failover `except`. */
export async function findHolders(
  db: D1Database,
  accountId: string,
  wanted: { name: string; hostnames: readonly string[] },
  except: string,
): Promise<{ id: string; name: string; hostname: string; test_hostname: string | null }[]> {
  const { results } = await db
    .prepare(
      `SELECT id, name, hostname, test_hostname FROM failovers
       WHERE account_id = ?1 AND id <> ?2
         AND (name = ?3 OR hostname IN (SELECT value FROM json_each(?4)) OR test_hostname IN (SELECT value FROM json_each(?4)))`,
    )
    .bind(accountId, except, wanted.name, JSON.stringify(wanted.hostnames))
    .all<{ id: string; name: string; hostname: string; test_hostname: string | null }>();
  return results;
}

/** Which failovers have one of these objects of Cloudflare's, and the names of all that there are, by id. */
export async function findManagers(
  db: D1Database,
  accountId: string,
  cloudflareIds: readonly string[],
): Promise<{
  names: ReadonlyMap<string, string>;
  objects: readonly { role: Role; failoverId: string; name: string }[];
}> {
  const [named, owned] = await db.batch<{ id: string; name: string; role: Role }>([
    db.prepare("SELECT id, name FROM failovers WHERE account_id = ?1").bind(accountId),
    db
      .prepare(
        `SELECT id, name, role FROM failovers JOIN objects ON failover_id = id
         WHERE failovers.account_id = ?1 AND cloudflare_id IN (SELECT value FROM json_each(?2)) ORDER BY role`,
      )
      .bind(accountId, JSON.stringify(cloudflareIds)),
  ]);
  return {
    names: new Map((named?.results ?? []).map(({ id, name }) => [id, name])),
    objects: (owned?.results ?? []).map(({ id, name, role }) => ({ role, failoverId: id, name })),
  };
}

/** A statement of a batch yet to be committed. */
export type Write = D1PreparedStatement;

const importedOf = ({ imported }: Failover): string | null =>
  imported === null ? null : JSON.stringify(imported);

export function insertFailover(
  db: D1Database,
  failover: Failover,
  testHostname: string | null,
  dueAt: number,
): Write {
  return db
    .prepare(
      `INSERT INTO failovers (id, account_id, name, hostname, test_hostname, revision, stage, active, settled_at, input, facts, imported, due_at, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?14, ?9, ?10, ?13, ?11, ?12, ?12)`,
    )
    .bind(
      failover.id,
      failover.accountId,
      failover.name,
      failover.input.hostname,
      testHostname,
      failover.revision,
      failover.stage,
      failover.settledActive,
      JSON.stringify(failover.input),
      JSON.stringify(failover.facts),
      dueAt,
      failover.createdAt,
      importedOf(failover),
      failover.settledAt,
    );
}

/** Stores a new intent. Where the stored revision isn't `expected` any more the whole batch fails as `RevisionConflict`. */
export function updateIntent(
  db: D1Database,
  failover: Failover,
  testHostname: string | null,
  expected: number,
  dueAt: number | null,
): Write {
  return db
    .prepare(
      `UPDATE failovers SET revision = CASE WHEN revision = ?2 THEN ?3 ELSE NULL END, hostname = ?4, test_hostname = ?5,
         stage = ?6, active = ?7, input = ?8, facts = ?9, adopted = ?10, deleting = ?11, due_at = ?12, updated_at = ?13,
         imported = ?14, settled_by = ?15, settled_at = ?16
       WHERE id = ?1`,
    )
    .bind(
      failover.id,
      expected,
      failover.revision,
      failover.input.hostname,
      testHostname,
      failover.stage,
      failover.settledActive,
      JSON.stringify(failover.input),
      JSON.stringify(failover.facts),
      JSON.stringify(failover.adopted),
      failover.deleting,
      dueAt,
      failover.updatedAt,
      importedOf(failover),
      failover.settledBy,
      failover.settledAt,
    );
}

/** What was read of Cloudflare for a spec; no change of intent. */
export function saveFacts(db: D1Database, failover: Failover, testHostname: string | null): Write {
  return db
    .prepare("UPDATE failovers SET facts = ?2, test_hostname = ?3 WHERE id = ?1")
    .bind(failover.id, JSON.stringify(failover.facts), testHostname);
}

/** Which of the accepted deviations are still in place; no change of intent. */
export function saveAdopted(db: D1Database, failover: Failover): Write {
  return db
    .prepare("UPDATE failovers SET adopted = ?2 WHERE id = ?1")
    .bind(failover.id, JSON.stringify(failover.adopted));
}

export function setDue(db: D1Database, failoverId: string, dueAt: number | null): Write {
  return db.prepare("UPDATE failovers SET due_at = ?2 WHERE id = ?1").bind(failoverId, dueAt);
}

export function saveDrillOpening(db: D1Database, failoverId: string, opening: DrillOpening): Write {
  return db
    .prepare("UPDATE failovers SET drill_opening = ?2 WHERE id = ?1")
    .bind(failoverId, JSON.stringify(opening));
}

export function setObjectId(
  db: D1Database,
  failover: Failover,
  role: Role,
  cloudflareId: string | null,
): Write {
  return db
    .prepare(
      `INSERT INTO objects (failover_id, role, account_id, cloudflare_id) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (failover_id, role) DO UPDATE SET cloudflare_id = ?4`,
    )
    .bind(failover.id, role, failover.accountId, cloudflareId);
}

/** What was never made can't have vanished: whatever is made next in this role is made for the first time. */
export function forgetObject(db: D1Database, failoverId: string, role: Role): Write {
  return db.prepare("DELETE FROM objects WHERE failover_id = ?1 AND role = ?2").bind(failoverId, role);
}

export function setApplied(db: D1Database, failoverId: string, role: Role, applied: Body): Write {
  return db
    .prepare("UPDATE objects SET applied = ?3 WHERE failover_id = ?1 AND role = ?2")
    .bind(failoverId, role, JSON.stringify(applied));
}

export function saveStatus(db: D1Database, failoverId: string, status: StoredStatus): Write {
  return db
    .prepare(
      `INSERT INTO statuses (failover_id, status) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM failovers WHERE id = ?1)
       ON CONFLICT (failover_id) DO UPDATE SET status = ?2`,
    )
    .bind(failoverId, JSON.stringify(status));
}

export function savePoolHealth(db: D1Database, failover: Failover, side: Side, health: PoolHealth): Write {
  return db
    .prepare(
      `INSERT INTO pool_health (failover_id, side, account_id, health) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (failover_id, side) DO UPDATE SET health = ?4`,
    )
    .bind(failover.id, side, failover.accountId, JSON.stringify(health));
}

/** What was said of an endpoint that isn't this failover's any more: neither witness may be asked about it. */
export function forgetWitnesses(
  db: D1Database,
  failoverId: string,
  sides: readonly Side[],
  now: number,
): Write[] {
  if (sides.length === 0) return [];
  return [
    db
      .prepare("DELETE FROM pool_health WHERE failover_id = ?1 AND side IN (SELECT value FROM json_each(?2))")
      .bind(failoverId, JSON.stringify(sides)),
    db.prepare("DELETE FROM samples WHERE failover_id = ?1").bind(failoverId),
    // A probe that left before may still bring its sample.
    db.prepare("UPDATE failovers SET witnessed_from = ?2 WHERE id = ?1").bind(failoverId, now),
  ];
}

/** All of a failover but its events and operations, which stay. */
export function deleteFailover(db: D1Database, failoverId: string): Write[] {
  return ["objects", "statuses", "pool_health", "samples", "preflights", "leases", "drills"]
    .map((table) => db.prepare(`DELETE FROM ${table} WHERE failover_id = ?1`).bind(failoverId))
    .concat(db.prepare("DELETE FROM failovers WHERE id = ?1").bind(failoverId));
}

export function insertEvents(db: D1Database, accountId: string, events: readonly FailoverEvent[]): Write[] {
  return events.map((event) =>
    db
      .prepare(
        `INSERT INTO events (id, account_id, failover_id, type, at, actor_kind, actor_name, request_id, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
      )
      .bind(
        event.id,
        accountId,
        event.failoverId,
        event.type,
        event.at,
        event.origin.actor.kind,
        event.origin.actor.name,
        event.origin.requestId,
        JSON.stringify(event.data),
      ),
  );
}

/** The one way in which anything is written: all of it or nothing. */
export async function commit(db: D1Database, writes: readonly Write[]): Promise<readonly D1Result[]> {
  if (writes.length === 0) return [];
  try {
    return await db.batch([...writes]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes("failovers.revision"))
      throw new RevisionConflict("the failover has another revision by now");
    if (message.includes("idempotency_keys.claim")) throw new ClaimLost("another request has the key by now");
    if (message.includes("leases.version")) throw new LeaseConflict("the lease was renewed meanwhile");
    const taken = /UNIQUE constraint failed: failovers\.account_id, failovers\.(\w+)/.exec(message);
    if (taken?.[1] !== undefined) throw new NameTaken(taken[1]);
    if (message.includes("UNIQUE constraint failed: operations.failover_id")) {
      throw new OperationUnderWay("another operation of the failover is under way");
    }
    throw error;
  }
}

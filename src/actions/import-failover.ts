import { CloudflareError } from "../cloudflare/errors.ts";
import { completeSpec } from "../failover/complete.ts";
import type { Facts } from "../failover/failover.ts";
import { decideImport, refuseForeign, type ImportDecision } from "../failover/import.ts";
import {
  assignRoles,
  markerRefusals,
  notImportable,
  textIn,
  type Assignment,
} from "../failover/import-parts.ts";
import { parseMembers, readMembers, withoutDefaults } from "../failover/import-spec.ts";
import { ROLES } from "../failover/marker.ts";
import { describeRole } from "../failover/plan.ts";
import {
  fail,
  ok,
  type Failure,
  type FieldError,
  type ImportView,
  type Origin,
  type Refusal,
  type Result,
} from "../failover/results.ts";
import { refusal } from "../failover/guards.ts";
import { newStatus } from "../failover/status.ts";
import {
  commit,
  findManagers,
  insertEvents,
  insertFailover,
  NameTaken,
  saveStatus,
  setApplied,
  setObjectId,
} from "../store/failovers.ts";
import { checkSpec } from "./check-spec.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import type { ImportAnswer, ImportAsked } from "./coordinator-port.ts";
import { aloneWith } from "./load.ts";
import { findLoadBalancer, lookAround } from "./look-for-import.ts";
import { reconcile, type SnapshotFor } from "./reconcile.ts";
import { eventOf } from "./record.ts";

/** Stands in a preview for the id that a confirmed import gives. */
const UNBORN = "fo_new";

/** How old the lists may be from which marking begins. */
const LOOK_MAX_AGE_MS = 10_000;

interface Weighed {
  readonly view: ImportView;
  /** Null where it can't be read as a failover at all. */
  readonly decision: ImportDecision | null;
}

/** A name that works wherever an id does; that of the load balancer unless another was asked for. */
function nameFor({ name, hostname }: ImportAsked): string {
  return (
    name ??
    hostname
      .replaceAll(/[^a-z0-9]+/g, "-")
      .slice(0, 50)
      .replaceAll(/^-+|-+$/g, "")
  );
}

/** What is wrong with the spec that was read, as refusals: nobody wrote it, so there is no member to correct. */
function refuseSpec({ code, errors = [], detail }: Pick<Failure, "code" | "errors" | "detail">): Refusal[] {
  const told = ({ pointer, message }: FieldError): Refusal => {
    if (code === "taken" && pointer === "/hostname")
      return { ...refusal("hostname-conflict", message, { pointer }), overridable: false };
    const hint = pointer === "/name" || pointer === "/test_hostname" ? "; give another name" : "";
    const subject = code === "taken" ? "" : `${pointer.slice(1).replaceAll("/", ".")} `;
    return notImportable(`${subject}${message}${hint}`, { pointer });
  };
  return errors.length === 0 ? [notImportable(detail)] : errors.map(told);
}

/** Who in our own books has one of these objects, or is named by a marker on one. */
async function refuseManaged(context: Context, objects: Assignment["objects"]): Promise<Refusal[]> {
  const ids = ROLES.flatMap((role) => textIn(objects[role] ?? {}, "id") || []);
  const managers = await findManagers(context.db, context.accountId, ids);
  const nameOf = (failoverId: string) => managers.names.get(failoverId) ?? null;
  const marked = markerRefusals(objects, context.installation, nameOf);
  const owned = managers.objects.map(({ role, name, failoverId }) => {
    const message = `${describeRole(role)} is one of the failover ${name}'s objects already`;
    return notImportable(message, { role, failover_id: failoverId });
  });
  return marked.length > 0 ? marked : owned;
}

/** Reads everything afresh and says what would be. Throws `CloudflareError`. */
async function weigh(context: Context, asked: ImportAsked, id: string): Promise<Result<Weighed>> {
  const found = await findLoadBalancer(context, asked.hostname);
  if (!found.ok) return found;
  const { zone, loadBalancer, pools, monitors } = found.value;
  const { objects, parts, active, refusals: structural } = assignRoles(loadBalancer, pools, monitors);
  const refusals = [...structural, ...(await refuseManaged(context, objects))];
  const unread = { importable: false, spec: null, active: null, objects, changes: [], foreign: [] } as const;
  if (parts === null || refusals.length > 0) return ok({ view: { ...unread, refusals }, decision: null });

  const { projects, poolsSharedWith, monitorSharedWith } = await lookAround(context, parts);
  const name = nameFor(asked);
  const read = parseMembers(readMembers(parts, { name, hostname: asked.hostname, projects }));
  if ("errors" in read) {
    const refused = refuseSpec({ code: "invalid", detail: "", errors: read.errors });
    return ok({ view: { ...unread, refusals: refused }, decision: null });
  }
  const subdomains = Object.values(projects).map(({ project, subdomain }) => [project, subdomain]);
  const facts: Facts = { zone, subdomains: Object.fromEntries(subdomains) };
  const decision = decideImport({
    id,
    accountId: context.accountId,
    installation: context.installation,
    parts,
    active,
    input: withoutDefaults(read.input, facts),
    facts,
    poolsSharedWith,
    monitorSharedWith,
    now: context.clock.now(),
  });
  const { failover, foreign, changes } = decision;
  const checked = await checkSpec(context, failover.input, facts, failover);
  const against = [
    ...(checked.ok ? [] : refuseSpec(checked.failure)),
    ...refuseForeign(foreign, asked.keepForeign ?? false),
  ];
  const view: ImportView = {
    importable: against.length === 0,
    spec: failover.input,
    active,
    objects,
    changes,
    foreign,
    refusals: against,
  };
  return ok({ view, decision });
}

/** Stores the failover with its objects: from then on marking them is what every look converges to. */
async function store(context: Context, decision: ImportDecision, origin: Origin): Promise<Result<null>> {
  const { failover, applied, foreign } = decision;
  const { id, ids, input } = failover;
  const { test_hostname: testHostname } = completeSpec(input, failover.facts);
  const data = {
    after: input,
    objects: ids,
    kept: foreign.map(({ role, path, message }) => ({ role, path, message })),
    before: Object.fromEntries(ROLES.map((role) => [role, { description: applied[role]["description"] }])),
  };
  try {
    await commit(context.db, [
      insertFailover(context.db, failover, testHostname, context.clock.now()),
      ...ROLES.flatMap((role) => [
        setObjectId(context.db, failover, role, ids[role] ?? null),
        setApplied(context.db, id, role, applied[role]),
      ]),
      saveStatus(context.db, id, newStatus("its objects are being marked")),
      ...insertEvents(context.db, context.accountId, [
        eventOf(context, "failover.imported", id, origin, data),
      ]),
      ...keepOutcome(context, { failoverId: id }),
    ]);
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error;
    const message = `this ${error.column} is another failover's`;
    return fail("taken", message, { errors: [{ pointer: `/${error.column}`, message }] });
  }
  return ok(null);
}

/** The first look, at once: whatever it can't finish the next one does. */
async function mark(context: Context, failoverId: string, origin: Origin): Promise<void> {
  try {
    await aloneWith(context, failoverId, async (record) => {
      // The lists are those that were just read; each object is read by id before its mark.
      const shared: SnapshotFor = (zoneId, priority) =>
        context.snapshots.recent([zoneId], LOOK_MAX_AGE_MS, priority);
      await reconcile(context, record, shared, { asked: false, origin, priority: "person" });
      return ok(null);
    });
  } catch (error) {
    const entry = { level: "error", failover_id: failoverId, error: String(error) };
    context.log({ ...entry, message: "an imported failover could not be looked at" });
  }
}

/** Says what an existing load balancer would become and, once that is confirmed, manages it from now on. */
export async function importFailover(
  context: Context,
  asked: ImportAsked,
  origin: Origin,
): Promise<Result<ImportAnswer>> {
  // One after the other: two imports must not take the same pool.
  return context.alone("import", async () => {
    try {
      const confirmed = asked.confirm ?? false;
      const weighed = await weigh(context, asked, confirmed ? context.newId("fo") : UNBORN);
      if (!weighed.ok) return weighed;
      const { view, decision } = weighed.value;
      if (!confirmed) return ok({ view, failoverId: null });
      if (decision === null || !view.importable) {
        const why = view.refusals.map(({ message }) => message).join("; ");
        return fail("refused", `importing is refused: ${why}`, { refusals: view.refusals });
      }
      const stored = await store(context, decision, origin);
      if (!stored.ok) return stored;
      await mark(context, decision.failover.id, origin);
      return ok({ failoverId: decision.failover.id });
    } catch (error) {
      if (!(error instanceof CloudflareError)) throw error;
      return fail("unavailable", `Cloudflare could not be read, so nothing was imported: ${error.message}`);
    }
  });
}

// Makes Cloudflare tell us of what happens there. Asked again it changes only what isn't as it should be.
import type { CloudflareAlerting } from "../cloudflare/alerting.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import { destinationName, policyBody, type AlertingState } from "../failover/alerting.ts";
import {
  lackOf,
  lacksOf,
  lackOfTest,
  type AlertingChange,
  type AlertingView,
  type Lack,
} from "../failover/alerting-view.ts";
import { fail, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import { saveDestination } from "../store/webhook-destinations.ts";
import type { Context } from "./context.ts";
import { FLEET } from "./freeze-fleet.ts";
import { okForGood } from "./idempotency-keys.ts";
import {
  lackOfError,
  lacksOfSettings,
  lookAtAlerting,
  mayHaveWebhooks,
  secretHash,
  type AlertingLook,
} from "./look-at-notifications.ts";
import { eventOf } from "./record.ts";

/** One at a time, as it is for a failover. */
const TURN = "notifications";

/** Ends a set-up; what was done until then stays, and is found by its marker. */
class Obstacle extends Error {
  readonly lack: Lack;

  constructor(lack: Lack) {
    super(lack.message);
    this.lack = lack;
  }
}

function refuse(lacks: readonly Lack[]): Result<never> {
  const detail = `Cloudflare's notifications can't be set up: ${lacks.map(({ message }) => message).join("; ")}.`;
  if (lacks.some(({ id }) => id === "unreadable")) return fail("unavailable", detail);
  const refusals = lacks.map(({ id, message, remedy }) => ({
    guard: id,
    message,
    facts: {},
    remedy,
    overridable: false,
  }));
  return fail("refused", detail, { refusals });
}

/** The destination's id, once it exists with our URL and our secret. */
async function ensureDestination(
  context: Context,
  api: CloudflareAlerting,
  { wish: { installation }, state }: AlertingLook,
  { url, secret }: { readonly url: string; readonly secret: string },
  changes: AlertingChange[],
): Promise<string> {
  const { destination, urlDiffers } = state;
  if (destination !== null && !urlDiffers && state.secret === "current") return destination.id;
  const body = { name: destinationName(installation), url, secret };
  const remember = async (destinationId: string) => {
    const stored = { destinationId, secretHash: await secretHash(installation, secret) };
    await commit(context.db, [saveDestination(context.db, context.accountId, stored, context.clock.now())]);
  };
  try {
    if (destination === null) {
      const id = await api.createDestination(body);
      await remember(id);
      changes.push({ action: "create", kind: "destination", id, reason: "there was none" });
      return id;
    }
    await api.replaceDestination(destination.id, body);
    await remember(destination.id);
    const reason = urlDiffers ? "its URL was another" : "its secret was another, or not known";
    changes.push({ action: "update", kind: "destination", id: destination.id, reason });
    return destination.id;
  } catch (error) {
    if (error instanceof CloudflareError && error.kind === "invalid")
      throw new Obstacle(lackOfTest(url, error.message.replaceAll(secret, "[secret]")));
    throw error;
  }
}

async function ensurePolicies(
  api: CloudflareAlerting,
  { wish, state }: AlertingLook,
  destinationId: string,
  changes: AlertingChange[],
): Promise<void> {
  const { surplus, policies } = state;
  for (const policy of policies) {
    const { found, wanted, differs } = policy;
    if (policy.state === "in_place" || policy.state === "unknown") continue;
    const body = policyBody(policy, wish.installation, destinationId, surplus.destinations);
    if (found === null) {
      const id = await api.createPolicy(body);
      changes.push({ action: "create", kind: "policy", id, reason: `there was no "${wanted.name}"` });
    } else {
      await api.replacePolicy(found.id, body);
      const reason = `"${wanted.name}" differed in ${differs.join(", ")}`;
      changes.push({ action: "update", kind: "policy", id: found.id, reason });
    }
  }
}

async function removeSurplus(
  api: CloudflareAlerting,
  { policies, destinations }: AlertingState["surplus"],
  changes: AlertingChange[],
): Promise<void> {
  const gone = (error: unknown) => {
    if (!(error instanceof CloudflareError) || error.kind !== "not-found") throw error;
  };
  for (const { id } of policies) {
    await api.deletePolicy(id).catch(gone);
    changes.push({ action: "delete", kind: "policy", id, reason: "it is wanted no more" });
  }
  for (const id of destinations) {
    await api.deleteDestination(id).catch(gone);
    changes.push({ action: "delete", kind: "destination", id, reason: "it is a twin" });
  }
}

export async function setUpNotifications(context: Context, origin: Origin): Promise<Result<AlertingView>> {
  const unset = lacksOfSettings(context);
  const { url, secret } = context.alerting;
  if (url === null || secret === null) return refuse(unset);
  return context.alone(TURN, async () => {
    const changes: AlertingChange[] = [];
    const api = context.alerting.at("person");
    try {
      const before = await lookAtAlerting(context);
      if (!before.ok) return refuse([before.lack]);
      const { state } = before.look;
      if (state.destination === null && !(await mayHaveWebhooks(context)))
        return refuse([lackOf("not-eligible")]);
      const destinationId = await ensureDestination(context, api, before.look, { url, secret }, changes);
      await ensurePolicies(api, before.look, destinationId, changes);
      await removeSurplus(api, state.surplus, changes);
    } catch (error) {
      if (error instanceof Obstacle) return refuse([error.lack]);
      if (error instanceof CloudflareError) {
        const lack = lackOfError(error);
        return refuse([{ ...lack, message: lack.message.replaceAll(secret, "[secret]") }]);
      }
      throw error;
    } finally {
      if (changes.length > 0) {
        const event = eventOf(context, "notifications.set_up", FLEET, origin, { url, changes });
        await commit(context.db, insertEvents(context.db, context.accountId, [event]));
      }
    }
    return okForGood(context, await viewOf(context, changes));
  });
}

/** Read again: only what is seen there counts. */
async function viewOf(context: Context, changes: readonly AlertingChange[]): Promise<AlertingView> {
  const after = await lookAtAlerting(context);
  if (!after.ok) return { state: null, lacks: [after.lack], changes };
  return { state: after.look.state, lacks: lacksOf(after.look.state), changes };
}

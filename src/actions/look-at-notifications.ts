// How Cloudflare's side of notifications stands: what of it exists, what is missing, and why.
import { CloudflareError } from "../cloudflare/errors.ts";
import { compareAlerting, type AlertingState, type AlertingWish } from "../failover/alerting.ts";
import { lackOf, lackOfAnswer, lacksOf, type AlertingView, type Lack } from "../failover/alerting-view.ts";
import { loadRecords } from "../store/failovers.ts";
import { loadDestination } from "../store/webhook-destinations.ts";
import { sha256 } from "../webhooks/secrets.ts";
import type { Context } from "./context.ts";
import { servedProjects } from "./served-projects.ts";

export interface AlertingLook {
  readonly wish: AlertingWish;
  readonly state: AlertingState;
}

export type Looked =
  | { readonly ok: true; readonly look: AlertingLook }
  | { readonly ok: false; readonly lack: Lack };

/** With the installation's id, so that the same secret elsewhere has another hash. */
export function secretHash(installation: string, secret: string): Promise<string> {
  return sha256(`${installation}:${secret}`);
}

/** What only a person can set. */
export function lacksOfSettings({ alerting: { url, secret } }: Pick<Context, "alerting">): Lack[] {
  return [
    ...(url === null ? [lackOf("public-url")] : []),
    ...(secret === null ? [lackOf("webhook-secret")] : []),
  ];
}

export function lackOfError(error: CloudflareError): Lack {
  return error.kind === "forbidden" ? lackOf("permission") : lackOfAnswer(error.message);
}

export async function lookAtAlerting(context: Context): Promise<Looked> {
  const { db, accountId, installation, clock, alerting } = context;
  let isComplete = true;
  const records = await loadRecords(db, accountId, { all: true }, clock.now(), () => {
    isComplete = false;
  });
  const poolIds = records
    .filter(({ failover }) => failover.deleting === null)
    .flatMap(({ failover: { ids } }) => [ids.primary ?? [], ids.secondary ?? []].flat());
  const stored = await loadDestination(db, accountId);
  const known =
    stored === null
      ? null
      : {
          destinationId: stored.destinationId,
          isCurrent:
            alerting.secret !== null &&
            stored.secretHash === (await secretHash(installation, alerting.secret)),
        };
  const api = alerting.at("person");
  try {
    const names = [...servedProjects(records).keys()].toSorted();
    const ids = await api.projectIds(names);
    const projects = names.map((name) => ({ name, id: ids.get(name) ?? null }));
    const wish = { installation, url: alerting.url, projects, poolIds };
    const state = compareAlerting(wish, await api.read(), known);
    // What a failover that can't be read wants is not known: then nothing is wanted no more.
    const surplus = isComplete ? state.surplus : { ...state.surplus, policies: [] };
    return { ok: true, look: { wish, state: { ...state, surplus } } };
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    return { ok: false, lack: lackOfError(error) };
  }
}

/** Never fails: what can't be read is missing as well. */
export async function lookAtNotifications(context: Context): Promise<AlertingView> {
  const unset = lacksOfSettings(context);
  const looked = await lookAtAlerting(context);
  if (!looked.ok) return { state: null, lacks: [...unset, looked.lack], changes: [] };
  const { state } = looked.look;
  const isPossible = state.destination !== null || (await mayHaveWebhooks(context));
  const lacks = [...unset, ...(isPossible ? [] : [lackOf("not-eligible")]), ...lacksOf(state)];
  return { state: { ...state, inPlace: lacks.length === 0 }, lacks, changes: [] };
}

/** What can't be told is no obstacle. */
export async function mayHaveWebhooks({ alerting }: Pick<Context, "alerting">): Promise<boolean> {
  try {
    return await alerting.at("person").isEligible();
  } catch (error) {
    if (error instanceof CloudflareError) return true;
    throw error;
  }
}

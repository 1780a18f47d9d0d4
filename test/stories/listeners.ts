// Whom the service tells: receivers somewhere on the Internet, and channels that lead to them.
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Origin, Received } from "../simulator/objects.ts";
import type { Answer, Stage } from "./stage.ts";

export type Receiver = Origin & { received: Received[] };

export function coordinator() {
  const { CF_ACCOUNT_ID } = env as unknown as { CF_ACCOUNT_ID: string };
  return env.COORDINATOR.get(env.COORDINATOR.idFromName(CF_ACCOUNT_ID));
}

export interface Listener {
  readonly receiver: Receiver;
  readonly channel: Answer["body"];
  /** What it took, in the order in which it came. */
  taken(): Answer["body"][];
  /** Of a webhook: the titles, in that order. */
  titles(): string[];
  /** Of a webhook: of which failover and for which reason `pauseBecause` paused, in that order. */
  pauses(): string[];
}

/** A receiver and its channel, a webhook unless told otherwise. */
export async function aListener(stage: Stage, name = "hook", request: object = {}): Promise<Listener> {
  const host = `${name}.receiver.example.org`;
  const receiver = stage.simulator.world.addReceiver({ address: host });
  const { status, body } = await stage.call("POST", "/v1/channels", {
    name,
    type: "webhook",
    url: `https://${host}/${name}?token=${name}-t0ken`,
    ...request,
  });
  if (status !== 201) throw new Error(`creating a channel answered ${status}: ${JSON.stringify(body)}`);
  const taken = (): Answer["body"][] =>
    receiver.received.filter((one) => one.status < 300).map((one) => JSON.parse(one.body));
  return {
    receiver,
    channel: body,
    taken,
    titles: () => taken().map(({ data }) => data.title),
    pauses: () =>
      taken()
        .filter(({ type }) => type === "failover.paused")
        .map(({ data }) => `${data.failover.name} ${/\((.*)\)/.exec(data.what)?.[1]}`),
  };
}

/** Waits, without letting time pass, until all is sent that is due by now. */
export async function allSent(): Promise<void> {
  for (let looks = 0; looks < 1000; looks += 1) {
    const row = await env.DB.prepare(
      "SELECT count(*) AS open FROM deliveries WHERE status = 'pending' AND (due_at <= ?1 OR claimed_until IS NOT NULL)",
    )
      .bind(Date.now())
      .first<{ open: number }>();
    if (row?.open === 0) return;
    await runDurableObjectAlarm(coordinator());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("messages that are due are not sent");
}

/** Lets time pass in steps, and sends what comes due. */
export async function waitAndSend(stage: Stage, minutes: number, stepMinutes = 5): Promise<void> {
  for (let passed = 0; passed < minutes; passed += stepMinutes) {
    await stage.pass(stepMinutes * 60);
    await allSent();
  }
}

export async function deliveriesOf(stage: Stage, channel: string): Promise<Answer["body"][]> {
  return (await stage.call("GET", `/v1/channels/${channel}/deliveries?limit=100`)).body.items;
}

/** News of a failover that change nothing: a pause that says why, and its end. */
export async function pauseBecause(stage: Stage, reason: string, reference = "shop"): Promise<void> {
  const { status } = await stage.call("POST", `/v1/failovers/${reference}/pause`, {
    expires_in_seconds: 86_400,
    reason,
  });
  if (status !== 200) throw new Error(`pausing answered ${status}`);
  await stage.call("POST", `/v1/failovers/${reference}/resume`, {});
}

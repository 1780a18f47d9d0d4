// One attempt: puts a notification into its channel's form, posts it, and says what came of it. Never throws.
import type { ChannelType } from "./channel.ts";
import { toDiscord } from "./forms/discord.ts";
import { toPagerDuty } from "./forms/pagerduty.ts";
import { toSlack } from "./forms/slack.ts";
import { toTeams } from "./forms/teams.ts";
import { signatureHeaders, toWebhook } from "./forms/webhook.ts";
import type { Notification } from "./notification.ts";
import { readRetryAfter, type Outcome } from "./retry.ts";
import { addressesProblem, redactorFor, requestTarget, urlProblem } from "./target.ts";

export interface SendPorts {
  readonly fetch: (request: Request) => Promise<Response>;
  /** What a name resolves to; null where that can't be read. */
  readonly addressesOf: (name: string) => Promise<readonly string[] | null>;
  readonly timeoutMs: number;
}

export interface Parcel {
  /** The delivery's id: the same in every attempt. */
  readonly id: string;
  readonly type: ChannelType;
  readonly url: string;
  /** Those in use, the newest first. */
  readonly secrets: readonly string[];
  readonly notification: Notification;
}

const USER_AGENT = "Understudy/1 (+notifications)";
const QUOTE_CHARACTERS = 200;
const QUOTE_BYTES = 2048;

function formOf({ id, type, secrets, notification }: Parcel): object {
  switch (type) {
    case "slack":
      return toSlack(notification);
    case "discord":
      return toDiscord(notification);
    case "teams":
      return toTeams(notification);
    case "pagerduty":
      return toPagerDuty(notification, secrets[0] ?? "", id);
    case "webhook":
      return toWebhook(notification);
    default:
      return type satisfies never;
  }
}

function requestOf(parcel: Parcel, now: number, signal: AbortSignal): Request {
  const { url, authorization } = requestTarget(parcel.url);
  const body = JSON.stringify(formOf(parcel));
  const signed = parcel.type === "webhook";
  return new Request(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": USER_AGENT,
      ...(authorization === null ? {} : { authorization }),
      ...(signed ? signatureHeaders(parcel.id, new Date(now), body, parcel.secrets) : {}),
    },
    body,
    // Not followed: where it leads may be anywhere.
    redirect: "manual",
    signal,
  });
}

/** The first words of an answer, in one line. */
async function quote(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  while (size < QUOTE_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  reader.cancel().catch(() => undefined);
  return text.replaceAll(/\s+/g, " ").trim();
}

async function complaintOf(response: Response): Promise<string> {
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    const to = URL.parse(headers.get("location") ?? "", response.url || undefined)?.host;
    const where = to === undefined || to === "" ? "" : ` to ${to}`;
    return `it answered with a redirect${where} (status ${status}), which is not followed: give the URL it leads to`;
  }
  const said = await quote(response);
  return `it answered with status ${status}${said === "" ? "" : `: ${said}`}`;
}

/** Our own rules first: a URL may have been stored by an older version, and a name may lead elsewhere by now. */
async function refusal(parcel: Parcel, { addressesOf }: SendPorts): Promise<string | null> {
  const problem = urlProblem(parcel.url);
  if (problem !== null) return `its URL ${problem}`;
  const { hostname } = new URL(parcel.url);
  // A resolver that is out of order must not silence an alarm: the platform's fetch reaches only public addresses itself.
  const addresses = await addressesOf(hostname);
  return addresses === null ? null : addressesProblem(hostname, addresses);
}

async function attempt(parcel: Parcel, ports: SendPorts, now: number, signal: AbortSignal): Promise<Outcome> {
  const refused = await refusal(parcel, ports);
  if (refused !== null) return { status: null, error: refused, retryAfterMs: null };
  const response = await ports.fetch(requestOf(parcel, now, signal));
  const { status, headers } = response;
  if (status >= 200 && status < 300) {
    response.body?.cancel().catch(() => undefined);
    return { status, error: null, retryAfterMs: null };
  }
  const error = await complaintOf(response);
  return { status, error, retryAfterMs: readRetryAfter(headers.get("retry-after"), now) };
}

export async function send(parcel: Parcel, ports: SendPorts, now: number): Promise<Outcome> {
  const over = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Outcome>((resolve) => {
    const error = `it did not answer within ${ports.timeoutMs / 1000} seconds`;
    timer = setTimeout(() => resolve({ status: null, error, retryAfterMs: null }), ports.timeoutMs);
  });
  const redact = redactorFor(parcel.url, parcel.secrets);
  try {
    const outcome = await Promise.race([attempt(parcel, ports, now, over.signal), late]);
    if (outcome.error === null) return outcome;
    return { ...outcome, error: redact(outcome.error).slice(0, QUOTE_CHARACTERS) };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const error = redact(`no answer: ${message}`).slice(0, QUOTE_CHARACTERS);
    return { status: null, error, retryAfterMs: null };
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** Leaves through a service in the place of the global fetch, which is told by Host whom to ask for. */
export function throughEgress(egress: {
  fetch: (request: Request) => Promise<Response>;
}): SendPorts["fetch"] {
  return async (request) => {
    const headers = new Headers(request.headers);
    headers.set("host", new URL(request.url).host);
    const response = await egress.fetch(new Request(request, { headers }));
    // wrangler's local runtime answers for a service that throws, where the platform would hand the exception on.
    if (response.status === 500 && response.headers.has("mf-experimental-error-stack")) {
      const { message } = await response.json<{ message?: string }>();
      throw new Error(message ?? "the egress service failed");
    }
    return response;
  };
}

// Says what of Cloudflare's notifications is missing, why, and what to do about it.
import type { AlertingState, PolicyState } from "./alerting.ts";

export type LackId =
  /** What only a person can mend. */
  | "public-url"
  | "webhook-secret"
  | "permission"
  | "not-eligible"
  | "test-message"
  | "unreadable"
  | "project"
  /** What the next set-up mends. */
  | "destination"
  | "secret"
  | "policy"
  | "surplus";

export interface Lack {
  readonly id: LackId;
  readonly message: string;
  readonly remedy: string;
}

export interface AlertingChange {
  readonly action: "create" | "update" | "delete";
  readonly kind: "destination" | "policy";
  readonly id: string;
  readonly reason: string;
}

/** How it stands; `changes` is what this call did. */
export interface AlertingView {
  /** Null where Cloudflare couldn't be read, or nobody knows where its notifications should go. */
  readonly state: AlertingState | null;
  readonly lacks: readonly Lack[];
  readonly changes: readonly AlertingChange[];
}

const AGAIN = "POST /v1/setup/notifications sets it up.";

const LACKS = {
  "public-url": {
    message: "PUBLIC_URL is not set: nobody knows under which address Cloudflare reaches this service",
    remedy: "Set PUBLIC_URL to the service's public https address.",
  },
  "webhook-secret": {
    message: "WEBHOOK_SECRET is not set: what comes in could not be told from a forgery",
    remedy: "Set WEBHOOK_SECRET (npx wrangler secret put WEBHOOK_SECRET).",
  },
  permission: {
    message: "the API token may not manage Cloudflare's notifications",
    remedy: "Give CF_API_TOKEN the permission Notifications Write on the account.",
  },
  "not-eligible": {
    message: "Cloudflare says that this account may not have webhooks as destinations of notifications",
    remedy:
      "A zone on a paid plan makes an account eligible. Without it cron notices everything within a minute.",
  },
} as const satisfies Partial<Record<LackId, Omit<Lack, "id">>>;

export function lackOf(id: keyof typeof LACKS): Lack {
  return { id, ...LACKS[id] };
}

export function lackOfAnswer(why: string): Lack {
  const remedy = "Try again; until then cron notices everything within a minute.";
  return { id: "unreadable", message: `Cloudflare could not be asked: ${why}`, remedy };
}

/** Cloudflare refused the destination itself, which it does where its test message wasn't taken. */
export function lackOfTest(url: string, why: string): Lack {
  return {
    id: "test-message",
    message: `Cloudflare did not accept ${url} as a destination: ${why}`,
    remedy: "Cloudflare has to reach this address from outside, on port 443, and to be answered by a 2xx.",
  };
}

function ofPolicy({ wanted, state, differs }: PolicyState): Lack[] {
  switch (state) {
    case "in_place":
      return [];
    case "unknown": {
      const message = `Cloudflare has no readable Pages project ${wanted.project ?? ""}, so that no policy can name it`;
      return [{ id: "project", message, remedy: "Mend the failover whose endpoint it is." }];
    }
    case "missing":
      return [{ id: "policy", message: `there is no policy "${wanted.name}"`, remedy: AGAIN }];
    case "differs": {
      const message = `the policy "${wanted.name}" differs in ${differs.join(", ")}`;
      return [{ id: "policy", message, remedy: AGAIN }];
    }
    default:
      return state satisfies never;
  }
}

export function lacksOf({ destination, urlDiffers, secret, policies, surplus }: AlertingState): Lack[] {
  const left = surplus.destinations.length + surplus.policies.length;
  return [
    ...(destination === null
      ? [{ id: "destination" as const, message: "there is no webhook destination", remedy: AGAIN }]
      : []),
    ...(urlDiffers
      ? [{ id: "destination" as const, message: "the webhook destination has another URL", remedy: AGAIN }]
      : []),
    ...(destination === null || secret === "current"
      ? []
      : [
          {
            id: "secret" as const,
            message:
              secret === "outdated"
                ? "WEBHOOK_SECRET was changed since the webhook destination was given it"
                : "which secret the webhook destination has is not known here",
            remedy: AGAIN,
          },
        ]),
    ...policies.flatMap((policy) => ofPolicy(policy)),
    ...(left === 0
      ? []
      : [
          {
            id: "surplus" as const,
            message: `${left} of ours ${left === 1 ? "is" : "are"} wanted no more`,
            remedy: AGAIN,
          },
        ]),
  ];
}

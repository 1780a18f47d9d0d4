import { z } from "zod";
import { accessGrantsSchema, type AccessGrant } from "./failover/access-grants.ts";
import { SIGNING_SECRET } from "./webhooks/standard-webhook.ts";
import type { DataKeys } from "./notifications/sealing.ts";

const header = z
  .string()
  .regex(/^[A-Za-z0-9-]+: .+$/, 'must look like "Header-Name: value"')
  .transform((text) => {
    const [name = "", ...value] = text.split(": ");
    return { name, value: value.join(": ") };
  });

const DATA_KEY_BYTES = 32;

const dataKey = z.string().transform((text, context) => {
  try {
    const bytes = Uint8Array.from(atob(text.trim()), (character) => character.codePointAt(0) ?? 0);
    if (bytes.length === DATA_KEY_BYTES) return bytes;
  } catch {
    // Told like any other wrong length.
  }
  context.addIssue({ code: "custom", message: `must be ${DATA_KEY_BYTES} random bytes as base64` });
  return z.NEVER;
});

const schema = z.object({
  CF_ACCOUNT_ID: z
    .string()
    .regex(/^[0-9a-f]{32}$/, "must be the Cloudflare account's id, 32 hexadecimal digits"),
  CF_API_TOKEN: z.string().min(1, "must be a Cloudflare API token (see the README for its permissions)"),
  ADMIN_TOKEN: z.string().min(16, "must have at least 16 characters: it may do everything"),
  CF_API_BASE_URL: z.url("must be a URL").default("https://api.cloudflare.com/client/v4"),
  /** How long one call of Cloudflare's API may take. */
  CF_TIMEOUT_MS: z.coerce.number().int().min(50).max(25_000).default(10_000),
  /** A secret header that probes of the public hostname carry, for a WAF rule that lets them pass. */
  PROBE_HEADER: header.optional(),
  /** Cloudflare Access: the team's domain, the AUD tags of the applications, and who may do what. All or none. */
  ACCESS_TEAM_DOMAIN: z
    .string()
    .toLowerCase()
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a hostname such as "team.cloudflareaccess.com"')
    .optional(),
  ACCESS_AUDIENCE: z
    .string()
    .transform((text) => text.split(",").map((one) => one.trim()))
    .refine((tags) => tags.every((tag) => tag !== ""), "must be AUD tags, a comma between them")
    .optional(),
  ACCESS_GRANTS: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: "must be JSON: a list of grants" });
        return z.NEVER;
      }
    })
    .pipe(accessGrantsSchema)
    .optional(),
  /** What [[ratelimits]] of wrangler.toml says, to be told to callers: it is the binding that counts. */
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).optional(),
  /** What Cloudflare's notifications carry in cf-webhook-auth. */
  WEBHOOK_SECRET: z
    .string()
    .regex(/^[\x21-\x7e]{16,}$/, "must have at least 16 visible characters, and no blanks")
    .optional(),
  /** What signs the word of a pipeline; several while one is exchanged for another. */
  DEPLOY_WEBHOOK_SECRET: z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((one) => one !== ""))
    .refine(
      (secrets) => secrets.length > 0 && secrets.every((one) => SIGNING_SECRET.test(one)),
      "must be whsec_ and the base64 of 24 to 64 bytes; several with a comma between them",
    )
    .optional(),
  /** What secrets of channels are sealed with, and what they were sealed with before it was changed. */
  DATA_KEY: dataKey.optional(),
  DATA_KEY_PREVIOUS: dataKey.optional(),
  /** Under which address people reach this service: for links in messages. */
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "must be a URL such as https://understudy.example.workers.dev" })
    .transform((url) => url.replace(/\/+$/, ""))
    .optional(),
  /** For how long events are kept at least; 0 keeps them for ever. */
  EVENTS_RETENTION_DAYS: z.coerce.number().int().min(0).max(36_500).default(400),
  /** How long the receiver of a message may take. */
  NOTIFY_TIMEOUT_MS: z.coerce.number().int().min(50).max(25_000).default(10_000),
  /** For rehearsals only: how many times faster than real time the service lives, counted from CLOCK_EPOCH_MS. */
  CLOCK_RATE: z.coerce.number().min(1).max(1000).default(1),
  CLOCK_EPOCH_MS: z.coerce.number().int().min(0).default(0),
});

export interface Settings {
  readonly accountId: string;
  readonly apiToken: string;
  readonly adminToken: string;
  readonly apiBaseURL: string;
  readonly timeoutMs: number;
  readonly probeHeader: { readonly name: string; readonly value: string } | undefined;
  /** Null unless requests may come through Cloudflare Access. */
  readonly access: {
    readonly teamDomain: string;
    readonly audiences: readonly string[];
    readonly grants: readonly AccessGrant[];
  } | null;
  readonly requestsPerMinute: number | null;
  readonly webhookSecrets: {
    readonly cloudflare: string | null;
    readonly deploys: readonly string[];
  };
  /** Null unless there is a key to seal secrets of channels with. */
  readonly dataKeys: DataKeys | null;
  /** Without a slash at its end; null where it isn't known. */
  readonly publicURL: string | null;
  /** Null keeps them for ever. */
  readonly keepEventsMs: number | null;
  readonly notifyTimeoutMs: number;
  readonly clockRate: number;
  readonly clockEpochMs: number;
}

const ACCESS_NAMES = ["ACCESS_TEAM_DOMAIN", "ACCESS_AUDIENCE", "ACCESS_GRANTS"] as const;

function accessOf(data: z.output<typeof schema>): Settings["access"] {
  const { ACCESS_TEAM_DOMAIN: teamDomain, ACCESS_AUDIENCE: audiences, ACCESS_GRANTS: grants } = data;
  if (teamDomain !== undefined && audiences !== undefined && grants !== undefined)
    return { teamDomain, audiences, grants };
  const missing = ACCESS_NAMES.filter((name) => data[name] === undefined);
  if (missing.length === ACCESS_NAMES.length) return null;
  throw new Error(
    `The settings are not usable. ${missing.join(" and ")} must be set as well: Access needs all three`,
  );
}

/** The only reader of environment variables. Throws with the name of every variable that is missing or wrong, never with a value. */
export function readSettings(env: object): Settings {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => {
      const name = issue.path.join(".");
      const isSet = String(issue.path[0]) in env;
      return isSet ? `${name} ${issue.message}` : `${name} is not set: ${issue.message}`;
    });
    throw new Error(`The settings are not usable. ${wrong.join("; ")}`);
  }
  const { data } = parsed;
  return {
    accountId: data.CF_ACCOUNT_ID,
    apiToken: data.CF_API_TOKEN,
    adminToken: data.ADMIN_TOKEN,
    apiBaseURL: data.CF_API_BASE_URL.replace(/\/+$/, ""),
    timeoutMs: data.CF_TIMEOUT_MS,
    probeHeader: data.PROBE_HEADER,
    access: accessOf(data),
    requestsPerMinute: data.RATE_LIMIT_PER_MINUTE ?? null,
    webhookSecrets: { cloudflare: data.WEBHOOK_SECRET ?? null, deploys: data.DEPLOY_WEBHOOK_SECRET ?? [] },
    dataKeys:
      data.DATA_KEY === undefined
        ? null
        : { current: data.DATA_KEY, previous: data.DATA_KEY_PREVIOUS ?? null },
    publicURL: data.PUBLIC_URL ?? null,
    keepEventsMs: data.EVENTS_RETENTION_DAYS === 0 ? null : data.EVENTS_RETENTION_DAYS * 86_400_000,
    notifyTimeoutMs: data.NOTIFY_TIMEOUT_MS,
    clockRate: data.CLOCK_RATE,
    clockEpochMs: data.CLOCK_EPOCH_MS,
  };
}

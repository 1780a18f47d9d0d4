import { z } from "zod";

const header = z
  .string()
  .regex(/^[A-Za-z0-9-]+: .+$/, 'must look like "Header-Name: value"')
  .transform((text) => {
    const [name = "", ...value] = text.split(": ");
    return { name, value: value.join(": ") };
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
  readonly clockRate: number;
  readonly clockEpochMs: number;
}

/** The only reader of environment variables. Throws with the name of every variable that is missing or wrong, never with a value. */
export function readSettings(env: object): Settings {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => {
      const name = issue.path.join(".");
      return name in env ? `${name} ${issue.message}` : `${name} is not set: ${issue.message}`;
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
    clockRate: data.CLOCK_RATE,
    clockEpochMs: data.CLOCK_EPOCH_MS,
  };
}

// Verifies the JWT that Cloudflare Access adds to every request it lets through.
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from "jose";
import type { Claims } from "../failover/access-grants.ts";

export interface AccessSettings {
  /** `<team>.cloudflareaccess.com` */
  readonly teamDomain: string;
  /** The AUD tags of the Access applications that stand before this service. */
  readonly audiences: readonly string[];
}

export interface AccessDependencies {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  readonly log: (entry: object) => void;
}

export type Verified =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly why: "jwt-invalid" | "jwt-expired" | "keys-unreachable" };

/** Access replaces its keys every six weeks, and those before stay valid for a week. */
const KEYS_FRESH_MS = 600_000;
/** Keys that can't be read again are used for so long, and no longer. */
const KEYS_USABLE_MS = 3_600_000;
/** An unknown key id makes us look again, but nobody can make us look all the time. */
const LOOK_AGAIN_MS = 60_000;
/** After a look that failed. */
const TRY_AGAIN_MS = 5_000;
const TIMEOUT_MS = 5_000;
const POLL_MS = 20;
const LEEWAY_SECONDS = 30;

type FindKey = ReturnType<typeof createLocalJWKSet>;

/**
 * The team's public keys, remembered across requests. A Worker's request can't wait for another's fetch, so that whoever
 * comes while one is under way looks now and then whether it has ended.
 */
function createKeys(teamDomain: string, { fetch, clock, log }: AccessDependencies) {
  let known: { readonly find: FindKey; readonly readAt: number } | null = null;
  let triedAt: number | null = null;
  let busyUntil = 0;

  async function read(): Promise<void> {
    busyUntil = clock.now() + TIMEOUT_MS;
    try {
      const url = `https://${teamDomain}/cdn-cgi/access/certs`;
      const answer = await fetch(
        new Request(url, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) }),
      );
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      known = { find: createLocalJWKSet(await answer.json<JSONWebKeySet>()), readAt: clock.now() };
    } catch (error) {
      log({ level: "error", message: "the keys of Cloudflare Access can't be read", error: String(error) });
    } finally {
      triedAt = clock.now();
      busyUntil = 0;
    }
  }

  /** Reads the keys unless they were tried less than `pauseMs` ago; afterwards whatever is known is known. */
  async function refresh(pauseMs: number): Promise<void> {
    const isBusy = () => busyUntil > clock.now();
    if (isBusy()) {
      for (let waited = 0; isBusy() && waited < TIMEOUT_MS; waited += POLL_MS) await clock.sleep(POLL_MS);
    } else if (triedAt === null || clock.now() - triedAt >= pauseMs) await read();
  }

  const ageMs = () => (known === null ? Infinity : clock.now() - known.readAt);
  return {
    /** Null where the keys can't be had. */
    async current(): Promise<FindKey | null> {
      if (ageMs() >= KEYS_FRESH_MS) await refresh(TRY_AGAIN_MS);
      return ageMs() < KEYS_USABLE_MS && known !== null ? known.find : null;
    },
    lookAgain: () => refresh(LOOK_AGAIN_MS),
  };
}

export function createAccessVerifier(
  { teamDomain, audiences }: AccessSettings,
  dependencies: AccessDependencies,
): (jwt: string) => Promise<Verified> {
  const keys = createKeys(teamDomain, dependencies);
  const { clock } = dependencies;

  async function check(jwt: string, find: FindKey): Promise<Claims> {
    const { payload } = await jwtVerify(jwt, find, {
      algorithms: ["RS256"],
      issuer: `https://${teamDomain}`,
      audience: [...audiences],
      requiredClaims: ["exp", "iat"],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(clock.now()),
    });
    // `org` is the session of the whole team, which is for no application.
    if (payload["type"] !== undefined && payload["type"] !== "app")
      throw new errors.JWTInvalid("not for an app");
    return payload;
  }

  return async function verify(jwt) {
    try {
      const find = await keys.current();
      if (find === null) return { ok: false, why: "keys-unreachable" };
      try {
        return { ok: true, claims: await check(jwt, find) };
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        await keys.lookAgain();
        return { ok: true, claims: await check(jwt, (await keys.current()) ?? find) };
      }
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { ok: false, why: "jwt-expired" };
      if (error instanceof errors.JOSEError) return { ok: false, why: "jwt-invalid" };
      throw error;
    }
  };
}

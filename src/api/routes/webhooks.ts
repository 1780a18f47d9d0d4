import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { GenuineWebhook } from "../../actions/inbox.ts";
import { parseAlert } from "../../webhooks/cloudflare-alert.ts";
import { parseDeploy } from "../../webhooks/deploy-hook.ts";
import { isSameSecret, sha256 } from "../../webhooks/secrets.ts";
import { findSignatureFault, type SignatureFault } from "../../webhooks/standard-webhook.ts";
import { afterwards, requireScope } from "../authorization.ts";
import { checkMediaType, decodeUtf8, readBytes } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies, ApiEnv } from "../dependencies.ts";
import { problem } from "../problem.ts";
import { clientKey, isOverLimit, tooManyRequests } from "../rate-limit.ts";
import { createRouter } from "../router.ts";
import { webhookReceiptSchema } from "../webhook-schema.ts";

const tags = ["Webhooks"];
const taken = contract.answer("Taken; what follows from it goes on.", webhookReceiptSchema);

const cloudflare = createRoute({
  method: "post",
  path: "/cloudflare",
  operationId: "receiveCloudflareAlert",
  tags,
  summary: "Take one of Cloudflare's notifications",
  description:
    "Authenticated by the header cf-webhook-auth, which is the installation's WEBHOOK_SECRET. Cloudflare's test message needs none and is kept nowhere.",
  security: [{ cloudflareWebhook: [] }],
  parameters: [contract.requestIdParameter],
  request: { body: contract.jsonBody("CloudflareAlert") },
  responses: { 200: taken, ...contract.problems("payload-too-large") },
});

const deploys = createRoute({
  method: "post",
  path: "/deploys",
  operationId: "receiveDeploy",
  tags,
  summary: "Take a pipeline's word that a Pages project was deployed",
  description:
    "Signed as https://www.standardwebhooks.com specifies, by one of the installation's DEPLOY_WEBHOOK_SECRET; or with a token that has the scope `operate`. An answer of 200 means that it is kept: what was deployed is then read from Cloudflare's API and verified.",
  security: [{ standardWebhook: [] }, { bearer: ["operate"] }],
  parameters: [contract.requestIdParameter],
  request: { body: contract.jsonBody("DeployHook") },
  responses: { 200: taken, ...contract.problems("payload-too-large", "unsupported-media-type") },
});

/** Those that help to find out what somebody sent, and authenticate nobody. */
const KEPT_HEADERS = ["content-type", "user-agent", "webhook-id", "webhook-timestamp", "cf-ray"];
const LONGEST_HEADER = 300;

function keptHeaders(headers: Headers): Record<string, string> {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value.slice(0, LONGEST_HEADER)] as const];
  });
  return Object.fromEntries(kept);
}

const SIGNATURE_FAULTS: Readonly<Record<SignatureFault, string>> = {
  missing:
    "Sign the message (webhook-id, webhook-timestamp, webhook-signature), or send a token: Authorization: Bearer <token>.",
  malformed:
    "webhook-timestamp has to be seconds since the epoch, and webhook-signature one or several of v1,<base64>, a blank between them.",
  "too-old": "webhook-timestamp is more than five minutes ago.",
  "too-new": "webhook-timestamp is more than five minutes ahead.",
  wrong:
    "No signature fits: sign `<id>.<timestamp>.<body>` with HMAC-SHA256 and one of DEPLOY_WEBHOOK_SECRET.",
};

/** Whoever has no right secret is told so, and only so often. */
async function unauthorized(
  c: Context<ApiEnv>,
  { limits, clock }: ApiDependencies,
  detail: string,
  challenge: string,
): Promise<Error> {
  const client = clientKey(c.req.header("cf-connecting-ip") ?? null);
  if (await isOverLimit(limits.failures, `failures:${client}`))
    return tooManyRequests(
      clock.now(),
      null,
      "Too many requests without a valid secret came from this address.",
    );
  return problem("unauthorized", detail, { headers: { "www-authenticate": challenge } });
}

export function receivingRoutes(dependencies: ApiDependencies) {
  const { inbox, coordinator, webhookSecrets, clock, log } = dependencies;

  /** One write, the answer, and then a word to the Coordinator: where that is lost the next tick finds it. */
  async function take(c: Context<ApiEnv>, webhook: GenuineWebhook) {
    const { id, isNew } = await inbox.take(webhook);
    if (isNew) {
      const heard = coordinator.hear().catch((error: unknown) => {
        log({
          level: "warn",
          message: "a webhook waits for the next tick",
          webhook_id: id,
          error: String(error),
        });
      });
      afterwards(c, heard);
    }
    return c.json({ id, duplicate: !isNew }, 200);
  }

  return createRouter()
    .openapi(cloudflare, async (c) => {
      const body = decodeUtf8(await readBytes(c.req.raw));
      const given = c.req.header("cf-webhook-auth");
      const challenge = 'Cf-Webhook-Auth realm="understudy"';
      if (given === undefined) {
        // Whether the test that precedes a destination has the header is not documented (API-FACTS 14.1).
        const alert = parseAlert(body);
        if (alert.ok && alert.isTest) return c.json({ id: null, duplicate: false }, 200);
        throw await unauthorized(
          c,
          dependencies,
          "The header cf-webhook-auth is missing: give the destination at Cloudflare the secret WEBHOOK_SECRET.",
          challenge,
        );
      }
      const expected = webhookSecrets.cloudflare;
      if (expected === null || !(await isSameSecret(given, expected))) {
        const detail =
          expected === null
            ? "This installation has no WEBHOOK_SECRET: set it to the secret of the destination at Cloudflare."
            : "cf-webhook-auth is not this installation's WEBHOOK_SECRET.";
        throw await unauthorized(c, dependencies, detail, challenge);
      }
      const alert = parseAlert(body);
      if (!alert.ok) throw problem("bad-request", alert.why);
      const { type } = alert;
      // An alert has no id of its own; its text, with `ts` and whatever else it holds, comes again only as a duplicate.
      const dedupeKey = await sha256(body);
      return take(c, {
        source: "cloudflare",
        type,
        headers: keptHeaders(c.req.raw.headers),
        body,
        dedupeKey,
      });
    })
    .openapi(deploys, async (c) => {
      const { headers } = c.req.raw;
      const body = decodeUtf8(await readBytes(c.req.raw));
      const id = headers.get("webhook-id");
      const isSigned = headers.has("webhook-signature");
      if (headers.has("authorization") && !isSigned) {
        await requireScope(c, dependencies, "operate");
      } else {
        const signed = {
          id,
          timestamp: headers.get("webhook-timestamp"),
          signature: headers.get("webhook-signature"),
          body,
        };
        const fault = await findSignatureFault(signed, webhookSecrets.deploys, clock.now());
        const isUnset = isSigned && webhookSecrets.deploys.length === 0;
        const detail = isUnset
          ? "This installation has no DEPLOY_WEBHOOK_SECRET: set one, or send a token."
          : fault === null
            ? null
            : SIGNATURE_FAULTS[fault];
        if (detail !== null) throw await unauthorized(c, dependencies, detail, 'Bearer realm="understudy"');
      }
      checkMediaType(c);
      const deploy = parseDeploy(body);
      if (!deploy.ok) {
        throw problem("bad-request", "The body is not what a deploy sends; `errors` names every fault.", {
          errors: deploy.errors,
        });
      }
      // Only what is signed can't be given another id.
      const dedupeKey = isSigned ? id : null;
      return take(c, { source: "deploys", type: "deploy", headers: keptHeaders(headers), body, dedupeKey });
    });
}

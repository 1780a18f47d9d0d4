// Cloudflare's side of notifications as the API shows it.
import { z } from "@hono/zod-openapi";
import type { PolicyState } from "../failover/alerting.ts";
import type { AlertingView, LackId } from "../failover/alerting-view.ts";
import { text, maybeTimestamp, word } from "./schemas.ts";

const POLICY_STATES = [
  "in_place",
  "missing",
  "differs",
  "unknown",
] as const satisfies readonly PolicyState["state"][];
const LACKS = [
  "public-url",
  "webhook-secret",
  "permission",
  "not-eligible",
  "test-message",
  "unreadable",
  "project",
  "destination",
  "secret",
  "policy",
  "surplus",
] as const satisfies readonly LackId[];

const maybeId = (description: string, example: string) =>
  z.string().nullable().meta({ description, example });

export const notificationSetupSchema = z
  .object({
    in_place: z
      .boolean()
      .meta({ description: "Whether Cloudflare tells us of all that it should.", example: true }),
    destination: z
      .object({
        id: text("Cloudflare's id of it.", "b115d5ec-15c6-41ee-8b76-92c449b5227b"),
        url: text("Where it posts to.", "https://understudy.example.workers.dev/webhooks/cloudflare"),
        secret: word(
          ["current", "outdated", "unknown"],
          "Whether it was given the present WEBHOOK_SECRET. Cloudflare never shows a secret: a hash of what was set is kept here.",
        ),
        last_success_at: maybeTimestamp("When it was last reached, as Cloudflare has it."),
        last_failure_at: maybeTimestamp("When it was last not reached, as Cloudflare has it."),
      })
      .nullable()
      .meta({ description: "The webhook destination; null where there is none, or none could be read." }),
    policies: z
      .array(
        z
          .object({
            name: text("What it is called at Cloudflare.", "Understudy: deploys of shop"),
            alert_type: text("Of what it tells, in Cloudflare's word.", "pages_event_alert"),
            pages_project: maybeId("The Pages project that it is about; null of pools.", "shop"),
            id: maybeId(
              "Cloudflare's id of it; null where there is none.",
              "0da2b59e-f118-439d-8097-bdfb215203c9",
            ),
            state: word(POLICY_STATES, "`unknown` where the Pages project could not be found at Cloudflare."),
            differs: z
              .array(z.string().meta({ example: "filters" }))
              .meta({ description: "Cloudflare's members that are not as they should be.", example: [] }),
          })
          .meta({ description: "A notification policy." }),
      )
      .meta({ description: "One for each Pages project that is an endpoint, and two for the pools." }),
    missing: z
      .array(
        z
          .object({
            id: word(LACKS, "Of what kind it is."),
            message: text("What is missing, and why.", "WEBHOOK_SECRET is not set"),
            remedy: text("What to do about it.", "Set WEBHOOK_SECRET."),
          })
          .meta({ description: "Something that is missing." }),
      )
      .meta({ description: "What stands against it; empty where all is in place." }),
    changes: z
      .array(
        z
          .object({
            action: word(["create", "update", "delete"], "What was done."),
            kind: word(["destination", "policy"], "To what."),
            id: text("Cloudflare's id of it.", "0da2b59e-f118-439d-8097-bdfb215203c9"),
            reason: text("Why.", 'there was no "Understudy: deploys of shop"'),
          })
          .meta({ description: "One write to Cloudflare." }),
      )
      .meta({ description: "What this call did; empty of a GET, and where all was in place." }),
  })
  .meta({ id: "NotificationSetup", description: "Cloudflare's side of the webhooks that come in." });

/** Cloudflare's timestamps have microseconds, and sometimes fewer digits. */
function instant(value: string | null): string | null {
  const at = Date.parse(value ?? "");
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

export function presentNotificationSetup({
  state,
  lacks,
  changes,
}: AlertingView): z.input<typeof notificationSetupSchema> {
  const destination = state?.destination ?? null;
  return {
    in_place: lacks.length === 0 && state !== null && state.inPlace,
    destination:
      destination === null || state === null
        ? null
        : {
            id: destination.id,
            url: destination.url,
            secret: state.secret,
            last_success_at: instant(destination.lastSuccessAt),
            last_failure_at: instant(destination.lastFailureAt),
          },
    policies: (state?.policies ?? []).map(({ wanted, found, state: stands, differs }) => ({
      name: wanted.name,
      alert_type: wanted.alertType,
      pages_project: wanted.project,
      id: found?.id ?? null,
      state: stands,
      differs: [...differs],
    })),
    missing: lacks.map((lack) => ({ ...lack })),
    changes: changes.map((change) => ({ ...change })),
  };
}

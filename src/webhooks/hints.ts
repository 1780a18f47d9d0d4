// Decides what a stored webhook is about: where to look, and nothing else.
import { parseDeploy } from "./deploy-hook.ts";

export interface Hint {
  readonly about: "pages" | "load-balancing" | "nothing";
  /** The Pages project that it names; null where that is to be found out. */
  readonly project: string | null;
}

/** Cloudflare's alert types, as far as something follows from them (API-FACTS 14.3). */
const ALERTS: Readonly<Record<string, Hint["about"]>> = {
  pages_event_alert: "pages",
  load_balancing_health_alert: "load-balancing",
  load_balancing_pool_enablement_alert: "load-balancing",
};

export function hintOf(webhook: {
  readonly source: "cloudflare" | "deploys";
  readonly type: string;
  readonly body: string;
}): Hint {
  if (webhook.source === "cloudflare") {
    const about = Object.hasOwn(ALERTS, webhook.type) ? ALERTS[webhook.type] : undefined;
    return { about: about ?? "nothing", project: null };
  }
  const deploy = parseDeploy(webhook.body);
  return deploy.ok ? { about: "pages", project: deploy.deploy.project } : { about: "nothing", project: null };
}

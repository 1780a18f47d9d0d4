// PagerDuty Events API v2: an alert is triggered, acknowledged and resolved under one key.
import type { Notification } from "../notification.ts";
import { fit } from "./text.ts";

export const PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue";
/** Characters. */
const SUMMARY = 1024;
const KEY = 255;
const SOURCE = 255;

/** `deliveryId` stands in for the key of what has none: a test. */
export function toPagerDuty(notification: Notification, routingKey: string, deliveryId: string): object {
  const { action, incident, title, what, visitors, remedy, link, severity, failover, members, type, at } =
    notification;
  const head = {
    routing_key: routingKey,
    event_action: action === "notice" ? "trigger" : action,
    dedup_key: (incident ?? deliveryId).slice(0, KEY),
  };
  if (action === "acknowledge" || action === "resolve") return head;
  return {
    ...head,
    client: "Understudy",
    ...(link === null ? {} : { client_url: link, links: [{ href: link, text: "Details" }] }),
    payload: {
      summary: fit(title, SUMMARY),
      source: fit(failover?.hostname ?? failover?.name ?? "understudy", SOURCE),
      severity,
      timestamp: new Date(at).toISOString(),
      ...(failover === null ? {} : { component: failover.name }),
      class: type,
      custom_details: { what, visitors, remedy, ...(members.length === 0 ? {} : { failovers: members }) },
    },
  };
}

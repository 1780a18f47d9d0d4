// A webhook after the Standard Webhooks specification: type, timestamp and data, signed with every secret in use.
import { Webhook } from "standardwebhooks";
import type { Notification } from "../notification.ts";

export const SECRET_PREFIX = "whsec_";

export function toWebhook(notification: Notification): object {
  const {
    type,
    at,
    action,
    incident,
    severity,
    title,
    what,
    visitors,
    remedy,
    link,
    failover,
    members,
    eventId,
  } = notification;
  return {
    type,
    timestamp: new Date(at).toISOString(),
    data: {
      event_id: eventId,
      action,
      incident,
      severity,
      title,
      what,
      visitors,
      remedy,
      link,
      failover,
      failovers: [...members],
    },
  };
}

/** The time is the attempt's: a receiver refuses what is older than a few minutes. */
export function signatureHeaders(
  id: string,
  at: Date,
  payload: string,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, at, payload)).join(" "),
  };
}

/** 32 random bytes, as the specification writes them. */
export function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return SECRET_PREFIX + btoa(String.fromCodePoint(...bytes));
}

/** Why this can't be a signing secret, as a sentence without its subject; null where it can. */
export function secretProblem(secret: string): string | null {
  const text = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : null;
  if (text === null) return `must begin with ${SECRET_PREFIX}`;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return "must be base64 after its prefix";
  const bytes = atob(text).length;
  return bytes < 24 || bytes > 64 ? "must have 24 to 64 bytes" : null;
}

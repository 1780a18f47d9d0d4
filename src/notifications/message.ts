// Decides what of an event is worth a message, and in which words: a table in which every kind of event has to stand.
import type { EventType } from "../failover/events.ts";
import type { FailoverEvent } from "../failover/results.ts";
import { because, by, listed, textIn, textsIn } from "./facts.ts";
import type { Severity } from "./notification.ts";
import type { Subject } from "./subject.ts";

export interface Words {
  readonly severity: Severity;
  readonly title: string;
  readonly what: string;
  readonly remedy: string | null;
}

type Tell = (event: FailoverEvent, name: string, subject: Subject | null) => Words | null;

const words = (severity: Severity, title: string, what: string, remedy: string | null = null): Words => {
  return { severity, title, what, remedy };
};

/** Nobody has to know at once; it stands in the trail of events. */
const nothing: Tell = () => null;
/** Told as a trouble that begins or ends: src/notifications/incident-kinds.ts. */
const asIncident: Tell = () => null;

const stageAfter = (event: FailoverEvent) => textIn(event, "after", "stage") ?? "its next stage";
const activeAfter = (event: FailoverEvent) => textIn(event, "after", "active") ?? "other endpoint";
const messageOf = (event: FailoverEvent, otherwise: string) => textIn(event, "message") ?? otherwise;

function leaseEnded(event: FailoverEvent, name: string): Words | null {
  // What a person ended or replaced has an event of its own, and so has a rehearsal.
  if (textIn(event, "because") !== "expired" || textIn(event, "kind") === "drill") return null;
  return textIn(event, "kind") === "pause"
    ? words("info", `${name}: the pause is over`, `Healing goes on${because(event)}.`)
    : words(
        "info",
        `${name}: the timed switch-over is over`,
        `What was before is restored${because(event)}.`,
      );
}

/** What an approval is about. */
const askedFor = (event: FailoverEvent) =>
  textIn(event, "action") === "promote"
    ? `the promotion to ${textIn(event, "to") ?? "its next stage"}`
    : `the switch-over to the ${textIn(event, "to") ?? "other endpoint"}`;

const TELLS: Readonly<Record<EventType, Tell>> = {
  "approval.approved": (event, name) =>
    words("info", `${name}: ${askedFor(event)} was approved`, `Approved${by(event)}; it begins.`),
  "approval.expired": (event, name) =>
    words(
      "warning",
      `${name}: nobody approved ${askedFor(event)}`,
      messageOf(event, "It expired."),
      "Ask for it anew, if it is still wanted.",
    ),
  "approval.rejected": (event, name) =>
    words("info", `${name}: ${askedFor(event)} was rejected`, `Rejected${by(event)}${because(event)}.`),
  "approval.requested": (event, name) =>
    words(
      "warning",
      `${name}: ${askedFor(event)} waits for approval`,
      `Asked for${by(event)}${because(event)}; it waits until ${textIn(event, "expires_at") ?? "it expires"}.`,
      `Look at what it would do: GET /v1/operations/${textIn(event, "operation_id") ?? "{id}"}. Then approve it with its plan (POST …/approve {"plan": "${textIn(event, "plan") ?? "…"}"}), or reject it (POST …/reject).`,
    ),
  "approval.withdrawn": nothing,
  "bake.failed": (event, name) =>
    words(
      "critical",
      `${name}: production does not answer well after the promotion`,
      messageOf(event, "It gave bad answers."),
      event.data["demoted"] === true
        ? "It was demoted by itself. Find out what was wrong before you promote it again."
        : "Demote it, or switch over to the other endpoint, unless the cause is known.",
    ),
  "bake.failed_over": (event, name) =>
    words(
      "warning",
      `${name}: it failed over while its promotion was watched`,
      `Visitors get the ${textIn(event, "serving") ?? "other endpoint"}: ${textIn(event, "detail") ?? "as health steers"}.`,
      "Look at the endpoint that stands first.",
    ),
  "bake.passed": nothing,
  "channel.created": nothing,
  "channel.updated": nothing,
  "channel.deleted": (event) =>
    words(
      "info",
      `The channel ${textIn(event, "name") ?? ""} was deleted`,
      `It was deleted${by(event)}; nothing is sent to it any more.`,
    ),
  "channel.disabled": (event) =>
    words(
      "warning",
      `The channel ${textIn(event, "name") ?? ""} is disabled`,
      messageOf(event, "Its receiver says that it is gone."),
      'Give it a working URL and enable it: PATCH /v1/channels/{id} {"url": "…", "enabled": true}.',
    ),
  "delivery.failed": (event) =>
    words(
      "warning",
      `A message did not reach the channel ${textIn(event, "channel") ?? ""}`,
      `“${textIn(event, "title") ?? "A message"}” was tried for three days: ${messageOf(event, "no answer")}.`,
      "Mend the receiver, then send it again: POST /v1/channels/{id}/redeliver.",
    ),
  "drift.adopted": (event, name) =>
    words(
      "info",
      `${name}: a change made at Cloudflare is accepted`,
      `Accepted${by(event)}${because(event)}.`,
    ),
  "drift.adoption_ended": nothing,
  "drift.attributed": (event, name) => {
    const how = textIn(event, "by", "context") === "dash" ? " in the dashboard" : "";
    return words(
      "info",
      `${name}: who changed it at Cloudflare`,
      `By Cloudflare's audit log it was ${textIn(event, "by", "actor") ?? "somebody"}${how}, at ${textIn(event, "by", "at") ?? "a time unknown"}.`,
    );
  },
  "drift.detected": asIncident,
  "drift.healed": (event, name) =>
    words(
      "info",
      `${name}: what somebody changed at Cloudflare was put right`,
      `Put right: ${listed(textsIn(event, "drift", "path"))}.`,
    ),
  "drift.resolved": asIncident,
  "drill.aborted": (event, name) =>
    words(
      "warning",
      `${name}: the drill was broken off`,
      messageOf(event, "It was broken off."),
      "Repeat it when nothing stands against it.",
    ),
  "drill.failed": (event, name) =>
    words(
      "warning",
      `${name}: the drill failed`,
      messageOf(event, "It did not pass."),
      "GET …/drills has the report of what was seen.",
    ),
  "drill.passed": (event, name) => words("info", `${name}: the drill passed`, messageOf(event, "It passed.")),
  "drill.skipped": (event, name) =>
    words(
      "warning",
      `${name}: the planned drill did not take place`,
      messageOf(event, "Its window has passed."),
      "Start one by hand when nothing stands against it: POST …/drills.",
    ),
  "drill.started": nothing,
  "failover.created": nothing,
  "failover.delete_started": (event, name) =>
    words("info", `${name}: it is being deleted`, `Asked for${by(event)}${because(event)}.`),
  "failover.deleted": (event, name) =>
    words(
      "info",
      `${name}: it was deleted`,
      textIn(event, "mode") === "orphan"
        ? "Its objects stay at Cloudflare, without markers."
        : "Its objects at Cloudflare are gone.",
    ),
  "failover.demote_reverted": (event, name) =>
    words(
      "warning",
      `${name}: the demotion was taken back`,
      messageOf(event, "It was not seen to work."),
      "The operation's report says what was seen.",
    ),
  // What becomes of it follows.
  "failover.demote_started": nothing,
  "failover.demoted": (event, name) =>
    words("info", `${name}: demoted to ${stageAfter(event)}`, `Demoted${by(event)}.`),
  "failover.imported": nothing,
  "failover.latched": (event, name) =>
    words(
      "warning",
      `${name}: the secondary stays first`,
      `The primary failed, and the failback policy keeps traffic at the secondary${because(event)}.`,
      textIn(event, "mode") === "manual"
        ? "When the primary is well again: POST …/switch-back."
        : "It switches back by itself once the primary was healthy for long enough.",
    ),
  "failover.paused": (event, name) =>
    words(
      "info",
      `${name}: healing is paused`,
      `Paused${by(event)} until ${textIn(event, "expires_at") ?? "it ends"}${because(event)}.`,
    ),
  "failover.promote_reverted": (event, name) =>
    words(
      "warning",
      `${name}: the promotion was taken back`,
      messageOf(event, "It was not seen to work."),
      "The operation's report says what was seen.",
    ),
  "failover.promote_started": nothing,
  "failover.promoted": (event, name) =>
    words("info", `${name}: promoted to ${stageAfter(event)}`, `Promoted${by(event)}.`),
  "failover.resumed": (event, name) =>
    words("info", `${name}: the pause was ended`, `Ended${by(event)}${because(event)}.`),
  "failover.switch_over_cancelled": (event, name) =>
    words("info", `${name}: the planned switch-over was cancelled`, `Cancelled${by(event)}.`),
  "failover.switch_over_expired": (event, name) =>
    words(
      "warning",
      `${name}: the planned switch-over did not take place`,
      messageOf(event, "Its hour has passed."),
    ),
  "failover.switch_over_reverted": (event, name) =>
    words(
      "warning",
      `${name}: the switch-over was taken back`,
      messageOf(event, "It was not seen to work."),
      "GET …/explain says who serves, and why.",
    ),
  "failover.switch_over_scheduled": (event, name) =>
    words(
      "info",
      `${name}: a switch-over is planned`,
      `To the ${textIn(event, "to") ?? "other endpoint"} at ${textIn(event, "at") ?? "its hour"}${by(event)}${because(event)}.`,
    ),
  // What becomes of it follows within a minute.
  "failover.switch_over_started": nothing,
  "failover.switched_over": (event, name) => {
    const until = textIn(event, "expires_at");
    return words(
      "info",
      `${name}: switched over to the ${activeAfter(event)}`,
      `The ${activeAfter(event)} stands first${by(event)}${until === null ? "" : `, until ${until}`}.`,
    );
  },
  "failover.updated": nothing,
  "fleet.brake_agreed": (event) =>
    words("info", "Healing was agreed to", `Agreed to${by(event)}${because(event)}.`),
  "fleet.brake_released": asIncident,
  "fleet.braked": asIncident,
  "fleet.frozen": (event) =>
    words(
      "warning",
      "The fleet is frozen",
      `Frozen${by(event)}${because(event)}: nothing moves but what restores.`,
      "DELETE /v1/fleet/freeze ends it.",
    ),
  "fleet.thawed": (event) => words("info", "The fleet is not frozen any more", `Ended${by(event)}.`),
  "foreign_routing.detected": asIncident,
  "foreign_routing.resolved": asIncident,
  "guard.overridden": (event, name) =>
    words(
      "warning",
      `${name}: a guard was overridden`,
      `${listed(textsIn(event, "guards", "guard"))}${by(event)}${because(event)}. It had said: ${listed(textsIn(event, "guards", "message"))}`,
    ),
  "health.changed": asIncident,
  "import.keeping_ended": nothing,
  "lease.ended": leaseEnded,
  "lease.renewed": (event, name) => {
    const what = textIn(event, "kind") === "pause" ? "pause" : "switch-over";
    const until = textIn(event, "after", "expires_at") ?? "it ends";
    return words(
      "info",
      `${name}: the ${what} was renewed`,
      `It lasts until ${until} now${by(event)}${because(event)}.`,
    );
  },
  "notifications.set_up": nothing,
  "object.adopted": nothing,
  "object.created": nothing,
  "object.deleted": nothing,
  "object.updated": nothing,
  // That it is made again, or can't be, follows.
  "object.vanished": nothing,
  "operation.failed": (event, name) => {
    const kind = textIn(event, "kind");
    return words(
      "warning",
      `${name}: ${kind === null ? "an operation" : `the operation ${kind}`} failed`,
      messageOf(event, "It failed."),
      "GET /v1/operations/{id} shows its steps.",
    );
  },
  "preflight.failed": asIncident,
  "preflight.passed": asIncident,
  "serving.changed": asIncident,
  "standby.broken": asIncident,
  "standby.rollback_failed": (event, name) =>
    words(
      "critical",
      `${name}: what was deployed could not be rolled back`,
      messageOf(event, "The rollback did not succeed."),
      "Roll the Pages project back by hand, or deploy what works.",
    ),
  "standby.rolled_back": (event, name) =>
    words(
      "warning",
      `${name}: what was deployed was rolled back`,
      messageOf(event, "The last good deployment serves again."),
      "Mend what was deployed before you deploy it again.",
    ),
  "standby.unverified": (event, name) =>
    words(
      "info",
      `${name}: nobody could tell whether what was deployed works`,
      messageOf(event, "It could not be looked at."),
    ),
  "standby.verified": nothing,
  "sync.changed": asIncident,
  "token.created": (event) =>
    words(
      "info",
      `A token was made: ${textIn(event, "name") ?? ""}`,
      `Made${by(event)}.`,
      "If nobody of yours did, revoke it: DELETE /v1/tokens/{id}.",
    ),
  "token.revoked": nothing,
};

/** The news of an event; null where there is none, or where it is told as a trouble that begins or ends. */
export function describeEvent(event: FailoverEvent, name: string, subject: Subject | null): Words | null {
  return TELLS[event.type as EventType]?.(event, name, subject) ?? null;
}

import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../src/failover/events.ts";
import { describeVisitors } from "../../src/notifications/subject.ts";
import { aChannel, anEvent, aService, aSubject, NOON, PERSON } from "./builders.ts";

/** As the product writes them. */
const DATA: Readonly<Record<string, unknown>> = {
  name: "shop",
  reason: "agreed on the phone",
  message: "it was not seen to serve",
  before: { stage: "testing", active: "primary" },
  after: { stage: "production", active: "secondary" },
  expires_at: "2026-11-23T13:00:00.000Z",
  guards: [{ guard: "drill-missing", message: "no drill has passed" }],
  drift: [{ role: "load_balancer", path: "default_pools", heal_at: null }],
  foreign: [{ message: "region_pools sends WNAM past the pair" }],
  failed: [{ id: "certificate", message: "No certificate covers it." }],
};

const messageFor = (type: (typeof EVENT_TYPES)[number], data: Readonly<Record<string, unknown>> = DATA) =>
  aService([aChannel()]).hear([anEvent(type, data, { origin: PERSON })]).messages[0]?.notification;

const TOLD = EVENT_TYPES.filter((type) => messageFor(type) !== undefined);

describe("messages", () => {
  it("are for these events", () => {
    expect(TOLD).toEqual([
      "approval.approved",
      "approval.expired",
      "approval.rejected",
      "approval.requested",
      "bake.failed",
      "bake.failed_over",
      "channel.deleted",
      "channel.disabled",
      "delivery.failed",
      "drift.adopted",
      "drift.attributed",
      "drift.detected",
      "drift.healed",
      "drill.aborted",
      "drill.failed",
      "drill.passed",
      "drill.skipped",
      "failover.delete_started",
      "failover.deleted",
      "failover.demote_reverted",
      "failover.demoted",
      "failover.latched",
      "failover.paused",
      "failover.promote_reverted",
      "failover.promoted",
      "failover.resumed",
      "failover.switch_over_cancelled",
      "failover.switch_over_expired",
      "failover.switch_over_reverted",
      "failover.switch_over_scheduled",
      "failover.switched_over",
      "fleet.brake_agreed",
      "fleet.braked",
      "fleet.frozen",
      "fleet.thawed",
      "foreign_routing.detected",
      "guard.overridden",
      "lease.renewed",
      "operation.failed",
      "preflight.failed",
      "standby.broken",
      "standby.rollback_failed",
      "standby.rolled_back",
      "standby.unverified",
      "token.created",
    ]);
  });

  it.each(TOLD)("about %s are whole sentences that name what they are about", (type) => {
    const message = messageFor(type);
    expect(message?.title).toMatch(/^\S.*[^.]$/);
    expect(message?.what).toMatch(/\S/);
    for (const text of [message?.title, message?.what, message?.remedy]) {
      expect(text ?? "").not.toMatch(/undefined|null|\[object|NaN/);
    }
    const isOfTheService = /^(channel|delivery|fleet|token)\./.test(type);
    if (!isOfTheService) expect(message?.title).toContain("shop");
  });

  it.each(TOLD)("about %s can do without what an event may lack", (type) => {
    const message = messageFor(type, {});
    for (const text of [message?.title, message?.what, message?.remedy]) {
      expect(text ?? "").not.toMatch(/undefined|null|\[object|NaN/);
    }
  });

  it("ask whoever can do something to do it", () => {
    const asking = TOLD.filter((type) => messageFor(type)?.severity !== "info");
    const silent = asking.filter((type) => messageFor(type)?.remedy === null);
    // What is over, or was asked for.
    expect(silent).toEqual(["failover.switch_over_expired", "guard.overridden"]);
  });
});

describe("what visitors get", () => {
  it.each([
    ["production", "primary", "Visitors of www.example.com get the primary (origin.example.net)."],
    ["production", "secondary", "Visitors of www.example.com get the secondary (shop.pages.dev)."],
    ["production", "none", "Visitors of www.example.com get an error: no endpoint serves."],
    ["production", "unknown", "What visitors of www.example.com get is not known at the moment."],
    ["testing", "primary", "Whoever tests www.example.com gets the primary (origin.example.net)."],
    ["draft", "none", "Nobody visits it: it is a draft."],
  ] as const)("in %s, served by %s: %s", (stage, serving, sentence) => {
    expect(describeVisitors(aSubject({ stage, serving }))).toBe(sentence);
  });

  it("stands in a message as it is when the message is written", () => {
    const { messages } = aService([aChannel()]).hear([anEvent("serving.changed", { after: "none" })], {
      subjects: new Map([["fo_shop", aSubject({ serving: "none" })]]),
      now: NOON,
    });
    expect(messages[0]?.notification).toMatchObject({
      severity: "critical",
      visitors: "Visitors of www.example.com get an error: no endpoint serves.",
    });
  });
});

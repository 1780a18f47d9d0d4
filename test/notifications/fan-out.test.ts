import { describe, expect, it } from "vitest";
import { isFleetWide } from "../../src/notifications/groups.ts";
import { aChannel, anEvent, aService, aSubject, health, MINUTE, NOON, PERSON, told } from "./builders.ts";

const slack = aChannel();
const pager = aChannel({ id: "ch_pager", type: "pagerduty" });
const at = (minutes: number) => ({ now: NOON + minutes * MINUTE });

describe("a trouble", () => {
  it("is told when it begins and when it ends, and once each", () => {
    const { hear } = aService([slack]);
    expect(told(hear([health("primary", "unhealthy")]))).toEqual([
      "ch_slack trigger shop: the primary is unhealthy",
    ]);
    expect(told(hear([health("primary", "unhealthy")], at(1)))).toEqual([]);
    expect(told(hear([health("primary", "healthy")], at(20)))).toEqual([
      "ch_slack resolve shop: the primary is healthy again",
    ]);
    expect(told(hear([health("primary", "healthy")], at(21)))).toEqual([]);
  });

  it("of which nobody heard has no end to hear of", () => {
    expect(told(aService([slack]).hear([health("primary", "healthy")]))).toEqual([]);
  });

  it("has the failover and what is wrong as its key, the same at both ends", () => {
    const { hear } = aService([pager]);
    const [begun] = hear([health("secondary", "unhealthy")]).messages;
    const [ended] = hear([health("secondary", "healthy")], at(20)).messages;
    expect(begun?.notification).toMatchObject({ action: "trigger", incident: "fo_shop:secondary-unhealthy" });
    expect(ended?.notification).toMatchObject({ action: "resolve", incident: "fo_shop:secondary-unhealthy" });
  });

  it("ends for those who heard of it, whatever their filter says by now", () => {
    const critical = aChannel({ id: "ch_critical", filter: { severities: ["critical"] } });
    const { hear } = aService([slack, critical]);
    const bad = aSubject({ verdicts: { primary: "unhealthy", secondary: "unhealthy" } });
    hear([health("primary", "unhealthy")], { subjects: new Map([[bad.id, bad]]) });
    expect(told(hear([health("primary", "healthy")], at(20)))).toEqual([
      "ch_slack resolve shop: the primary is healthy again",
      "ch_critical resolve shop: the primary is healthy again",
    ]);
  });

  it("of our own probe alone steers nothing, and is not told", () => {
    const event = anEvent("health.changed", { endpoint: "primary", witness: "probe", after: "unhealthy" });
    expect(told(aService([slack]).hear([event]))).toEqual([]);
  });

  it("ends with its failover", () => {
    const { hear, incidents } = aService([pager]);
    hear([health("primary", "unhealthy")]);
    const gone = anEvent("failover.deleted", { name: "shop", mode: "destroy" });
    const [ended] = hear([gone], { subjects: new Map() }).messages;
    expect(ended?.notification).toMatchObject({ action: "resolve", incident: "fo_shop:primary-unhealthy" });
    expect(incidents()).toEqual([]);
  });

  it("of a deploy is its endpoint's own: that the other one's is good doesn't end it", () => {
    const { hear } = aService([slack]);
    const deploy = (type: "standby.broken" | "standby.verified", endpoint: string) =>
      told(hear([anEvent(type, { endpoint, message: "Seen." })]));
    expect(deploy("standby.broken", "primary")).toEqual([
      "ch_slack trigger shop: what was deployed broke the primary",
    ]);
    expect(deploy("standby.verified", "secondary")).toEqual([]);
    expect(deploy("standby.verified", "primary")).toEqual([
      "ch_slack resolve shop: the primary serves no broken deploy any more",
    ]);
  });

  it("of a deploy ends where another endpoint takes its place, and with no other change of the spec", () => {
    const { hear } = aService([slack]);
    hear([anEvent("standby.broken", { endpoint: "secondary", message: "Seen." })]);
    const before = { secondary: { pages_project: "shop" } };
    const update = (after: object) => told(hear([anEvent("failover.updated", { before, after })]));
    expect(update({ ...before, drift: "report" })).toEqual([]);
    expect(update({ secondary: { address: "other.example.net" } })).toEqual([
      "ch_slack resolve shop: the secondary serves no broken deploy any more",
    ]);
  });

  it("is acknowledged at the pager once a person acts", () => {
    const { hear } = aService([slack, pager]);
    hear([health("primary", "unhealthy")]);
    const acting = anEvent("failover.switch_over_started", {}, { origin: PERSON });
    expect(told(hear([acting], at(1)))).toEqual(["ch_pager acknowledge shop: the primary is unhealthy"]);
    expect(told(hear([acting], at(2)))).toEqual([]);
  });

  it.each([
    ["draft", "info"],
    ["testing", "warning"],
    ["production", "critical"],
  ] as const)("in %s is at most %s", (stage, severity) => {
    const subject = aSubject({ stage, verdicts: { primary: "unhealthy", secondary: "unhealthy" } });
    const subjects = new Map([[subject.id, subject]]);
    const [message] = aService([slack]).hear([health("primary", "unhealthy")], { subjects }).messages;
    expect(message?.notification.severity).toBe(severity);
  });
});

describe("flapping", () => {
  it("is one message, and another one when it is over", () => {
    const { hear } = aService([slack]);
    const verdicts = ["unhealthy", "healthy", "unhealthy", "healthy", "unhealthy", "healthy"];
    const said = verdicts.map((verdict, minute) => told(hear([health("primary", verdict)], at(minute))));
    expect(said).toEqual([
      ["ch_slack trigger shop: the primary is unhealthy"],
      ["ch_slack resolve shop: the primary is healthy again"],
      ["ch_slack trigger shop: the primary is unhealthy, on and off"],
      [],
      [],
      [],
    ]);
    expect(told(hear([], at(14)))).toEqual([]);
    expect(told(hear([], at(15)))).toEqual(["ch_slack resolve shop: the primary is healthy again"]);
  });

  it("that ends badly says so", () => {
    const { hear } = aService([slack]);
    hear([health("primary", "flapping")]);
    hear([health("primary", "unhealthy")], at(1));
    expect(told(hear([], at(12)))).toEqual(["ch_slack trigger shop: the primary is unhealthy"]);
    expect(told(hear([health("primary", "healthy")], at(30)))).toEqual([
      "ch_slack resolve shop: the primary is healthy again",
    ]);
  });
});

describe("a fleet-wide outage", () => {
  const names = Array.from({ length: 6 }, (_, index) => `shop-${index}`);
  const subjects = new Map(names.map((name) => [`fo_${name}`, aSubject({ id: `fo_${name}`, name })]));
  const all = (verdict: string, some = names) =>
    some.map((name) => health("primary", verdict, { failoverId: `fo_${name}` }));

  it("is one message with a list, and one when all of it is over", () => {
    const { hear } = aService([slack, pager], 20);
    const begun = hear(all("unhealthy"), { subjects });
    expect(told(begun)).toEqual([
      "ch_slack trigger 6 failovers: the primary is unhealthy",
      "ch_pager trigger 6 failovers: the primary is unhealthy",
    ]);
    expect(begun.messages[0]?.notification).toMatchObject({
      incident: "fleet:primary-unhealthy",
      members: names,
      what: expect.stringContaining("shop-5"),
    });
    expect(told(hear(all("healthy", names.slice(1)), { subjects, ...at(20) }))).toEqual([]);
    expect(told(hear(all("healthy", names.slice(0, 1)), { subjects, ...at(21) }))).toEqual([
      "ch_slack resolve Over for every failover: the primary is unhealthy",
      "ch_pager resolve Over for every failover: the primary is unhealthy",
    ]);
  });

  it("takes in whoever has it a minute later", () => {
    const { hear } = aService([slack], 9);
    hear(all("unhealthy", names.slice(0, 4)), { subjects });
    expect(told(hear(all("unhealthy", names.slice(4)), { subjects, ...at(1) }))).toEqual([
      "ch_slack trigger 6 failovers: the primary is unhealthy",
    ]);
  });

  it("shows each channel only the failovers that it is for", () => {
    const few = aChannel({ id: "ch_few", filter: { failovers: ["shop-1", "shop-2"] } });
    const none = aChannel({ id: "ch_none", filter: { failovers: ["blog"] } });
    const { hear } = aService([few, none], 20);
    const { messages } = hear(all("unhealthy"), { subjects });
    expect(messages.map(({ channelId, notification }) => [channelId, notification.members])).toEqual([
      ["ch_few", ["shop-1", "shop-2"]],
    ]);
    expect(told(hear(all("healthy", ["shop-1", "shop-2"]), { subjects, ...at(20) }))).toEqual([
      "ch_few resolve Over for every failover: the primary is unhealthy",
    ]);
  });

  it.each([
    [1, 1, false],
    [2, 2, false],
    [2, 3, false],
    [3, 9, true],
    [3, 10, false],
    [5, 100, false],
    [6, 100, true],
  ])("%d of %d: %s", (count, fleet, isWide) => {
    expect(isFleetWide(count, fleet)).toBe(isWide);
  });
});

describe("what a rehearsal does", () => {
  const drilling = aSubject({ drilling: true, disabled: "primary", serving: "secondary" });
  const during = { subjects: new Map([[drilling.id, drilling]]) };
  const diverted = anEvent("serving.changed", { before: "primary", after: "secondary" });
  const restored = anEvent("serving.changed", { before: "secondary", after: "primary" });

  it("is silent; its outcome is a message", () => {
    const { hear } = aService([slack]);
    expect(told(hear([health("primary", "unhealthy"), diverted], during))).toEqual([]);
    const passed = anEvent("drill.passed", { message: "passed: www.example.com was diverted" });
    expect(told(hear([passed, restored, health("primary", "healthy")], at(2)))).toEqual([
      "ch_slack notice shop: the drill passed",
    ]);
  });

  it("and what outlasts it is told a few minutes later", () => {
    const { hear } = aService([slack]);
    hear([health("primary", "unhealthy")], during);
    expect(told(hear([anEvent("drill.failed", { message: "no answer" })], at(2)))).toEqual([
      "ch_slack notice shop: the drill failed",
    ]);
    expect(told(hear([], at(4)))).toEqual([]);
    expect(told(hear([], at(5)))).toEqual(["ch_slack trigger shop: the primary is unhealthy"]);
  });

  it("doesn't hide that the secondary fails", () => {
    expect(told(aService([slack]).hear([health("secondary", "unhealthy")], during))).toEqual([
      "ch_slack trigger shop: the secondary is unhealthy, so nothing could stand in",
    ]);
  });

  it("nor is a switch-over's end at the other endpoint a trouble", () => {
    const switched = aSubject({ active: "secondary", serving: "secondary" });
    const { hear } = aService([slack]);
    expect(told(hear([diverted], { subjects: new Map([[switched.id, switched]]) }))).toEqual([]);
  });
});

describe("who hears", () => {
  it.each([
    [{}, true],
    [{ types: ["health.*"] }, true],
    [{ types: ["drift.*", "health.changed"] }, true],
    [{ types: ["drift.*"] }, false],
    [{ severities: ["warning"] }, true],
    [{ severities: ["critical", "info"] }, false],
    [{ failovers: ["sh*"] }, true],
    [{ failovers: ["blog"] }, false],
    [{ types: ["health.*"], failovers: ["blog"] }, false],
  ] as const)("with %j of an unhealthy primary: %s", (filter, hears) => {
    const { messages } = aService([aChannel({ filter })]).hear([health("primary", "unhealthy")]);
    expect(messages.length > 0).toBe(hears);
  });

  it("nobody whose channel is disabled", () => {
    const off = aChannel({ disabled: "by hand" });
    expect(told(aService([off]).hear([health("primary", "unhealthy")]))).toEqual([]);
  });

  it("of what concerns the fleet everybody, and of news no pager", () => {
    const limited = aChannel({ id: "ch_limited", filter: { failovers: ["blog"] } });
    const frozen = anEvent(
      "fleet.frozen",
      { reason: "change freeze" },
      { failoverId: "fleet", origin: PERSON },
    );
    expect(told(aService([slack, limited, pager]).hear([frozen]))).toEqual([
      "ch_slack notice The fleet is frozen",
      "ch_limited notice The fleet is frozen",
    ]);
  });

  it("of a lost message every channel but the one that lost it", () => {
    const other = aChannel({ id: "ch_other" });
    const lost = anEvent(
      "delivery.failed",
      { channel_id: "ch_slack", channel: "on-call", title: "shop: the primary is unhealthy" },
      { failoverId: "fleet" },
    );
    expect(told(aService([slack, other]).hear([lost]))).toEqual([
      "ch_other notice A message did not reach the channel on-call",
    ]);
  });
});

describe("an operation that failed", () => {
  it("is told once, in the words of what came of it", () => {
    const about = { operation_id: "op_1", message: "not seen to serve" };
    const events = [
      anEvent("failover.switch_over_reverted", about),
      anEvent("operation.failed", { ...about, kind: "switch-over" }),
      anEvent("operation.failed", { operation_id: "op_2", kind: "delete", message: "no answer" }),
    ];
    expect(told(aService([slack]).hear(events))).toEqual([
      "ch_slack notice shop: the switch-over was taken back",
      "ch_slack notice shop: the operation delete failed",
    ]);
  });
});

describe("drift", () => {
  const drift = (healAt: string | null) => ({
    drift: [{ role: "load_balancer", path: "default_pools", heal_at: healAt }],
  });
  const later = new Date(NOON + 900_000).toISOString();

  it("that is healed in the same breath is one message", () => {
    const events = [
      anEvent("drift.detected", drift(new Date(NOON).toISOString())),
      anEvent("drift.healed", drift(new Date(NOON).toISOString())),
    ];
    expect(told(aService([slack]).hear(events))).toEqual([
      "ch_slack notice shop: what somebody changed at Cloudflare was put right",
    ]);
  });

  it("that waits is told with its deadline, and its end ends it", () => {
    const { hear } = aService([slack]);
    const held = hear([anEvent("drift.detected", drift(later))]);
    expect(held.messages[0]?.notification).toMatchObject({
      action: "trigger",
      what: expect.stringContaining(later),
      remedy: expect.stringContaining("adopt"),
    });
    expect(told(hear([anEvent("drift.healed", drift(later))], at(20)))).toEqual([
      "ch_slack resolve shop: everything at Cloudflare is as wanted again",
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { Webhook } from "standardwebhooks";
import { toDiscord } from "../../src/notifications/forms/discord.ts";
import { toPagerDuty } from "../../src/notifications/forms/pagerduty.ts";
import { toSlack } from "../../src/notifications/forms/slack.ts";
import { toTeams } from "../../src/notifications/forms/teams.ts";
import { fit } from "../../src/notifications/forms/text.ts";
import {
  newSecret,
  secretProblem,
  signatureHeaders,
  toWebhook,
} from "../../src/notifications/forms/webhook.ts";
import type { Notification } from "../../src/notifications/notification.ts";

const NOON = Date.UTC(2026, 10, 23, 12);

function aNotification(change: Partial<Notification> = {}): Notification {
  return {
    type: "health.changed",
    action: "trigger",
    incident: "fo_shop:primary-unhealthy",
    severity: "critical",
    title: "shop: the primary is unhealthy",
    what: "Cloudflare finds the primary endpoint unhealthy: 503.",
    visitors: "Visitors of www.example.com get the secondary (shop.pages.dev).",
    remedy: "Look at the origin.",
    link: "https://understudy.test/v1/failovers/shop",
    failover: { id: "fo_shop", name: "shop", hostname: "www.example.com" },
    members: [],
    eventId: "evt_1",
    at: NOON,
    ...change,
  };
}

const long = "<!channel> & *_~`".repeat(2000);
const endless = aNotification({ title: long, what: long, visitors: long, remedy: long });

// What tests read out of messages of other people's formats.
// oxlint-disable-next-line typescript/no-explicit-any
const open = (message: object): any => message;

describe("every form", () => {
  it.each([
    ["slack", (one: Notification) => toSlack(one)],
    ["discord", (one: Notification) => toDiscord(one)],
    ["teams", (one: Notification) => toTeams(one)],
    ["pagerduty", (one: Notification) => toPagerDuty(one, "k".repeat(32), "dl_1")],
    ["webhook", (one: Notification) => toWebhook(one)],
  ] as const)("%s says what happened, what visitors get, what to do, and where to look", (_, form) => {
    const text = JSON.stringify(form(aNotification()));
    for (const part of ["the primary is unhealthy", "503", "get the secondary", "Look at the origin"])
      expect(text).toContain(part);
    expect(text).toContain("https://understudy.test/v1/failovers/shop");
  });
});

describe("Slack", () => {
  it("keeps its limits, and mentions nobody", () => {
    const { text, blocks } = open(toSlack(endless));
    expect(text.length).toBeLessThanOrEqual(4000);
    expect(blocks[0].text.text.length).toBeLessThanOrEqual(150);
    for (const block of blocks.slice(1)) {
      expect(block.text.text.length).toBeLessThanOrEqual(3000);
      if (!block.text.text.startsWith("<https:")) expect(block.text.text).not.toMatch(/[<>]/);
      expect(block.text.text.replaceAll(/&(amp|lt|gt);/g, "")).not.toContain("&");
    }
  });
});

describe("Discord", () => {
  it("keeps its limits, and mentions nobody", () => {
    const { embeds, allowed_mentions: mentions } = open(toDiscord(endless));
    expect(embeds[0].title.length).toBeLessThanOrEqual(256);
    expect(embeds[0].description.length).toBeLessThanOrEqual(4096);
    expect(embeds[0].title.length + embeds[0].description.length).toBeLessThanOrEqual(6000);
    expect(mentions).toEqual({ parse: [] });
  });
});

describe("Teams", () => {
  it("is an Adaptive Card of less than 28 KB, whatever the characters", () => {
    const wide = "🛟".repeat(20_000);
    const message = toTeams(aNotification({ title: wide, what: wide, visitors: wide, remedy: wide }));
    expect(new TextEncoder().encode(JSON.stringify(message)).length).toBeLessThan(28 * 1024);
    expect(open(message)).toMatchObject({
      type: "message",
      attachments: [
        {
          contentType: "application/vnd.microsoft.card.adaptive",
          content: { type: "AdaptiveCard", body: [{ type: "TextBlock", wrap: true }, {}, {}, {}] },
        },
      ],
    });
  });
});

describe("PagerDuty", () => {
  it("triggers and resolves under one key", () => {
    const begun = open(toPagerDuty(aNotification(), "k".repeat(32), "dl_1"));
    expect(begun).toMatchObject({
      routing_key: "k".repeat(32),
      event_action: "trigger",
      dedup_key: "fo_shop:primary-unhealthy",
      payload: { summary: "shop: the primary is unhealthy", severity: "critical", source: "www.example.com" },
    });
    expect(toPagerDuty(aNotification({ action: "resolve" }), "k".repeat(32), "dl_2")).toEqual({
      routing_key: "k".repeat(32),
      event_action: "resolve",
      dedup_key: "fo_shop:primary-unhealthy",
    });
    expect(open(toPagerDuty(endless, "k".repeat(32), "dl_3")).payload.summary.length).toBeLessThanOrEqual(
      1024,
    );
  });
});

describe("a webhook", () => {
  it("is signed so that the specification's own library takes it, by each secret", () => {
    const secrets = [newSecret(), newSecret()];
    const payload = JSON.stringify(toWebhook(aNotification()));
    const headers = signatureHeaders("dl_1", new Date(), payload, secrets);
    expect(headers["webhook-id"]).toBe("dl_1");
    for (const secret of secrets) {
      const read = new Webhook(secret).verify(payload, { ...headers });
      expect(read).toMatchObject({ type: "health.changed", timestamp: new Date(NOON).toISOString() });
    }
    expect(() => new Webhook(newSecret()).verify(payload, { ...headers })).toThrow("No matching signature");
    expect(() => new Webhook(secrets[0] ?? "").verify(`${payload} `, { ...headers })).toThrow(
      "No matching signature",
    );
  });

  it.each([
    [newSecret(), true],
    [`whsec_${btoa("x".repeat(24))}`, true],
    [`whsec_${btoa("x".repeat(64))}`, true],
    [`whsec_${btoa("x".repeat(23))}`, false],
    [`whsec_${btoa("x".repeat(65))}`, false],
    [btoa("x".repeat(32)), false],
    ["whsec_not base64!", false],
    ["", false],
  ])("has a secret %s: %s", (secret, isGood) => {
    expect(secretProblem(secret) === null).toBe(isGood);
  });
});

describe("a text that must fit", () => {
  it.each([
    ["short", 10, "short"],
    ["exactly 10", 10, "exactly 10"],
    ["eleven char", 10, "eleven ch…"],
    ["a          b", 10, "a…"],
    ["🛟🛟🛟", 5, "🛟🛟…"],
  ])("%s in %d: %s", (text, limit, fitting) => {
    expect(fit(text, limit)).toBe(fitting);
  });
});

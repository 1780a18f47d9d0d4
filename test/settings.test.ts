import { describe, expect, it } from "vitest";
import { readSettings } from "../src/settings.ts";

const NEEDED = {
  CF_ACCOUNT_ID: "a0000000000000000000000000000001",
  CF_API_TOKEN: "cloudflare-token",
  ADMIN_TOKEN: "an-admin-token-of-length",
};
const ACCESS = {
  ACCESS_TEAM_DOMAIN: "Example.cloudflareaccess.com",
  ACCESS_AUDIENCE: "4714c1358e65, 32eafc7626e9",
  ACCESS_GRANTS: '[{"group": "ops", "scopes": ["read", "operate"], "failovers": ["shop-*"]}]',
};

describe("the settings", () => {
  it("know nothing of Cloudflare Access unless it is configured", () => {
    expect(readSettings(NEEDED).access).toBeNull();
  });

  it("read who may do what through Cloudflare Access", () => {
    expect(readSettings({ ...NEEDED, ...ACCESS }).access).toEqual({
      teamDomain: "example.cloudflareaccess.com",
      audiences: ["4714c1358e65", "32eafc7626e9"],
      grants: [{ to: { group: "ops" }, scope: "operate", failovers: ["shop-*"] }],
    });
  });

  it("keep events for 400 days unless told otherwise, and for ever with 0", () => {
    const days = (given?: string) => {
      const kept = readSettings({
        ...NEEDED,
        ...(given === undefined ? {} : { EVENTS_RETENTION_DAYS: given }),
      });
      return kept.keepEventsMs === null ? null : kept.keepEventsMs / 86_400_000;
    };
    expect([days(), days("30"), days("0")]).toEqual([400, 30, null]);
    expect(() => days("-1")).toThrow("EVENTS_RETENTION_DAYS");
    expect(() => days("a year")).toThrow("EVENTS_RETENTION_DAYS");
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ["a part of Access only", { ACCESS_GRANTS: undefined }, "ACCESS_GRANTS must be set as well"],
    ["no audience", { ACCESS_AUDIENCE: undefined }, "ACCESS_AUDIENCE must be set as well"],
    ["an audience that is blank", { ACCESS_AUDIENCE: " " }, "ACCESS_AUDIENCE must be"],
    [
      "a team domain with a scheme",
      { ACCESS_TEAM_DOMAIN: "https://secret.example" },
      "ACCESS_TEAM_DOMAIN must be",
    ],
    ["grants that are no JSON", { ACCESS_GRANTS: "[secret" }, "ACCESS_GRANTS must be JSON"],
    ["grants that are no list", { ACCESS_GRANTS: '{"secret": 1}' }, "ACCESS_GRANTS"],
    ["a grant for nobody", { ACCESS_GRANTS: '[{"scopes": ["read"]}]' }, "ACCESS_GRANTS.0 must be a list of"],
  ])("refuse %s by name, without its value", (_, change, message) => {
    const given = Object.entries({ ...NEEDED, ...ACCESS, ...change }).filter(
      ([, value]) => value !== undefined,
    );
    const read = () => readSettings(Object.fromEntries(given));
    expect(read).toThrow(message);
    expect(read).not.toThrow("secret");
  });
});

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { takeLeaks } from "../secrets-watch.ts";
import { aListener, pauseBecause } from "./listeners.ts";
import { setStage } from "./stage.ts";

const { ADMIN_TOKEN = "", DATA_KEY = "" } = env as unknown as Record<string, string>;

describe("the watch over secrets, which every test of the Worker stands under", () => {
  it("finds one in the log, in an answer, and in any table", async () => {
    const stage = setStage();
    await stage.ready();
    expect(await takeLeaks()).toEqual([]);
    console.log(`not a good line: ${DATA_KEY}`);
    await pauseBecause(stage, `because of ${ADMIN_TOKEN}`);
    await stage.call("GET", "/v1/events");
    expect(await takeLeaks()).toEqual([
      "ADMIN_TOKEN in the answer to GET /v1/events",
      "ADMIN_TOKEN in the answer to POST /v1/failovers/shop/pause",
      "ADMIN_TOKEN in the table events",
      "DATA_KEY in the log",
    ]);
    // The rows are what the next look would find again.
    await env.DB.prepare("DELETE FROM events").run();
    expect(await takeLeaks()).toEqual([]);
  });

  it("knows what is given out once: tokens, and secrets of channels", async () => {
    const stage = setStage();
    await stage.tick();
    const { channel } = await aListener(stage);
    const request = { name: "ci", scopes: ["read"] };
    const { token } = (await stage.call("POST", "/v1/tokens", request)).body;
    expect(await takeLeaks()).toEqual([]);
    await stage.call("POST", "/v1/fleet/freeze", { reason: `${token} and ${channel.secret}` });
    await stage.call("DELETE", "/v1/fleet/freeze");
    expect(await takeLeaks()).toEqual(
      expect.arrayContaining(["a token in the table events", "a channel's secret in the table events"]),
    );
    await env.DB.batch(
      ["events", "deliveries", "incidents"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
    );
    expect(await takeLeaks()).toEqual([]);
  });
});

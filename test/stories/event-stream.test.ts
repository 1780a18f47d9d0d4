import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { pauseBecause } from "./listeners.ts";
import { setStage, SHOP } from "./stage.ts";

interface Listening {
  /** Waits for the next event and answers it as it was sent. */
  next(): Promise<{ id: number; type: string; failover_id: string; data: Record<string, unknown> }>;
  leave(): Promise<void>;
}

/** A client of server-sent events, as the standard describes it. */
async function listen(path: string, headers: Record<string, string> = {}): Promise<Listening> {
  const { ADMIN_TOKEN } = env as unknown as { ADMIN_TOKEN: string };
  const { default: worker } = exports as unknown as {
    default: { fetch(request: Request): Promise<Response> };
  };
  const request = new Request(`https://understudy.test${path}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, accept: "text/event-stream", ...headers },
  });
  const response = await worker.fetch(request);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  async function block(): Promise<string> {
    while (!buffer.includes("\n\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the stream has ended");
      buffer += decoder.decode(value, { stream: true });
    }
    const end = buffer.indexOf("\n\n");
    const text = buffer.slice(0, end);
    buffer = buffer.slice(end + 2);
    return text;
  }
  expect(await block()).toMatch(/^retry: \d+\nid: \d+$/);
  return {
    async next() {
      for (;;) {
        const told = /^id: (\d+)\ndata: (.*)$/.exec(await block());
        if (told !== null) return { ...JSON.parse(told[2] ?? ""), id: Number(told[1]) };
      }
    },
    leave: () => reader.cancel(),
  };
}

describe("events as they happen", () => {
  it("reach who listens, and who comes again with the last id gets the rest, once", async () => {
    const stage = setStage();
    await stage.ready();
    const first = await listen("/v1/events?type=failover.*");
    await pauseBecause(stage, "one");
    const paused = await first.next();
    expect(paused).toMatchObject({ type: "failover.paused" });
    expect((await first.next()).type).toBe("failover.resumed");
    await first.leave();
    await pauseBecause(stage, "two");
    const again = await listen("/v1/events?type=failover.*", { "last-event-id": String(paused.id) });
    const rest = [await again.next(), await again.next(), await again.next()];
    expect(rest.map(({ type }) => type)).toEqual(["failover.resumed", "failover.paused", "failover.resumed"]);
    await pauseBecause(stage, "three");
    const next = await again.next();
    await again.leave();
    const ids = [paused, ...rest, next].map(({ id }) => id);
    const listed = (await stage.call("GET", "/v1/events?type=failover.*&limit=6")).body.items;
    const seqs: number[] = listed.map(({ seq }: { seq: number }) => seq);
    expect(ids).toEqual(seqs.toReversed().slice(0, 5));
    const refused = await stage.call("GET", "/v1/events", undefined, {
      accept: "text/event-stream",
      "last-event-id": "evt_1",
    });
    expect(refused.status).toBe(400);
  });

  it("are only those of a failover, of the types that were asked for, and that the token may see", async () => {
    const stage = setStage();
    await stage.ready();
    await stage.call("POST", "/v1/failovers", {
      ...SHOP,
      name: "other",
      hostname: "other.example.com",
      secondary: { address: "elsewhere.example.net" },
    });
    const { body: token } = await stage.call("POST", "/v1/tokens", {
      name: "narrow",
      scopes: ["read"],
      failovers: ["other"],
    });
    const narrow = { authorization: `Bearer ${token.token}` };
    const listening = [
      await listen("/v1/failovers/other/events"),
      await listen("/v1/events?type=*.resumed"),
      await listen("/v1/events?type=failover.*", narrow),
    ];
    await pauseBecause(stage, "of the shop");
    await pauseBecause(stage, "of the other", "other");
    const { id } = await stage.failover("other");
    const [ofOther, resumed, visible] = await Promise.all(listening.map((one) => one.next()));
    expect(ofOther).toMatchObject({ failover_id: id });
    expect(resumed).toMatchObject({ type: "failover.resumed" });
    expect(visible).toMatchObject({ failover_id: id, type: "failover.paused" });
    await Promise.all(listening.map((one) => one.leave()));
    expect((await stage.call("GET", "/v1/failovers/shop/events", undefined, narrow)).status).toBe(404);
    expect((await stage.call("GET", "/v1/audit/verify", undefined, narrow)).status).toBe(403);
    const lines = (await stage.call("GET", "/v1/events/export", undefined, narrow)).body.trim().split("\n");
    expect(new Set(lines.map((line: string) => JSON.parse(line).failover_id))).toEqual(new Set([id]));
  });
});

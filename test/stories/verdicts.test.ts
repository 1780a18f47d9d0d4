import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf } from "./operations.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const origin = ({ simulator }: Stage) => simulator.world.origin("origin.example.net");

/** Each witness's verdict of one endpoint. */
async function witnesses(stage: Stage, side: "primary" | "secondary" = "primary") {
  const { status } = await stage.failover();
  const views: Answer["body"][] = status.health[side].witnesses;
  expect(status.health[side].verdict).toBe(views.find(({ witness }) => witness === "cloudflare").verdict);
  return Object.fromEntries(views.map(({ witness, verdict, detail }) => [witness, { verdict, detail }]));
}

/** What our probes get from an address, whatever Cloudflare gets from it. */
function probesGet(address: string, answer: () => Response): void {
  const world = globalThis as unknown as { internet: (request: Request) => Promise<Response> };
  const { internet } = world;
  world.internet = (request) =>
    new URL(request.url).hostname === address ? Promise.resolve(answer()) : internet(request);
}

async function promote(stage: Stage, body?: object, headers?: Record<string, string>) {
  return stage.call("POST", "/v1/failovers/shop/promote", body, headers);
}

describe("the witnesses", () => {
  it("know nothing of a new failover, and promoting it is refused for both endpoints at once", async () => {
    const stage = setStage();
    await stage.call("POST", "/v1/failovers", SHOP);
    await stage.alarms();
    await stage.tick();
    expect(await witnesses(stage)).toMatchObject({ cloudflare: { verdict: "unknown" } });
    const { status, body } = await promote(stage);
    expect(status).toBe(409);
    expect(body.refusals).toMatchObject([
      { guard: "target-not-ready", facts: { endpoint: "primary", verdict: "unknown" }, overridable: true },
      { guard: "target-not-ready", facts: { endpoint: "secondary", verdict: "unknown" }, overridable: true },
      { guard: "no-healthy-target", facts: { rule: "fallback-pool" }, overridable: true },
    ]);
  });

  it("agree on what is well, on an outage and on its end", async () => {
    const stage = setStage();
    await stage.ready();
    const healthy = { cloudflare: { verdict: "healthy" }, probe: { verdict: "healthy" } };
    expect(await witnesses(stage)).toMatchObject(healthy);
    origin(stage).up = false;
    await stage.minutes(3);
    expect(await witnesses(stage)).toMatchObject({
      cloudflare: { verdict: "unhealthy", detail: "TCP connection failed in 3 of 3 places" },
      probe: { verdict: "unhealthy", detail: expect.stringContaining("refused") },
    });
    expect(await witnesses(stage, "secondary")).toMatchObject(healthy);
    origin(stage).up = true;
    await stage.minutes(5);
    expect(await witnesses(stage)).toMatchObject(healthy);
    const { body } = await stage.call("GET", "/v1/failovers/shop/events?limit=100");
    const changes = body.items
      .filter(({ type }: Answer["body"]) => type === "health.changed")
      .map(({ data }: Answer["body"]) => data)
      .filter(({ endpoint, witness }: Answer["body"]) => endpoint === "primary" && witness === "cloudflare")
      .map(({ after }: Answer["body"]) => after);
    expect(changes).toEqual(["healthy", "unhealthy", "healthy"]);
  });

  it("call flapping what changes four times within ten minutes, and promoting is refused meanwhile", async () => {
    const stage = setStage();
    await stage.ready();
    for (const up of [false, true, false, true]) {
      origin(stage).up = up;
      await stage.minutes(1);
    }
    expect(await witnesses(stage)).toMatchObject({ cloudflare: { verdict: "flapping" } });
    const { status, body } = await promote(stage);
    expect(status).toBe(409);
    expect(body.refusals[0]).toMatchObject({
      guard: "target-not-ready",
      facts: { endpoint: "primary", verdict: "flapping" },
    });
    await stage.minutes(12);
    expect(await witnesses(stage)).toMatchObject({ cloudflare: { verdict: "healthy" } });
  });

  it("know nothing any more once Cloudflare was not read for ten minutes", async () => {
    const stage = setStage();
    await stage.ready();
    const everything = { match: { times: Infinity }, effect: { kind: "drop", when: "before" } } as const;
    const outage = stage.simulator.faults.add(everything);
    await stage.minutes(11);
    expect(await witnesses(stage)).toMatchObject({
      cloudflare: { verdict: "unknown", detail: expect.stringContaining("not read for ten minutes") },
      probe: { verdict: "healthy" },
    });
    const { status, body } = await promote(stage);
    expect(status).toBe(409);
    expect(body.refusals[0]).toMatchObject({ guard: "target-not-ready" });
    expect(body.refusals[0].message).toContain("could not be read");
    outage.remove();
    await stage.minutes(3);
    expect(await witnesses(stage)).toMatchObject({ cloudflare: { verdict: "healthy" } });
  });
});

describe("an origin that admits only Cloudflare", () => {
  it.each([true, "403"] as const)("(%s) is unknown to our probe, and can be promoted", async (admits) => {
    const stage = setStage();
    origin(stage).admitsOnlyCloudflare = admits;
    // Nothing but its marker can tell who serves: our probe never sees the origin's own answer.
    origin(stage).headers = { "x-served-by": "primary" };
    const marked = { address: "origin.example.net", marker: { header: "x-served-by", value: "primary" } };
    await stage.ready({ ...SHOP, primary: marked });
    expect(await witnesses(stage)).toMatchObject({
      cloudflare: { verdict: "healthy" },
      probe: { verdict: "unknown", detail: expect.stringContaining("probe not admitted") },
    });
    const operation = await stage.promote();
    expect(operation).toMatchObject({ status: "succeeded", result: { stage: "testing" } });
  });
});

describe("a probe that used to succeed and now fails", () => {
  async function contradicted(): Promise<Stage> {
    const stage = setStage();
    await stage.ready();
    probesGet("origin.example.net", () => new Response("broken", { status: 500 }));
    await stage.minutes(3);
    return stage;
  }

  it("contradicts Cloudflare: promoting is refused, in the form of a problem", async () => {
    const stage = await contradicted();
    expect(await witnesses(stage)).toMatchObject({
      cloudflare: { verdict: "healthy" },
      probe: { verdict: "unhealthy", detail: "answered 500, expected 200" },
    });
    const { status, headers, body } = await promote(stage);
    expect(status).toBe(409);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({
      status: 409,
      title: expect.any(String),
      type: expect.any(String),
      request_id: expect.any(String),
      detail: expect.stringContaining("answered 500"),
      refusals: [
        {
          guard: "target-not-ready",
          message: expect.stringMatching(/primary.*our probe.*answered 500, expected 200/),
          facts: {
            endpoint: "primary",
            verdict: "healthy",
            witnesses: [
              { witness: "cloudflare", verdict: "healthy" },
              { witness: "probe", verdict: "unhealthy" },
            ],
          },
          overridable: true,
        },
      ],
    });
    expect((await stage.failover()).stage).toBe("draft");
    expect((await stage.failover()).status.operation).toBeNull();
  });

  it.each([
    ["no reason", { override: ["target-not-ready"] }, "/reason"],
    ["an unknown guard", { override: ["no-such-guard"], reason: "because" }, "/override/0"],
  ])("isn't overridden with %s", async (_, body, pointer) => {
    const stage = await contradicted();
    const answer = await promote(stage, body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toMatchObject([{ pointer }]);
  });

  it("is overridden by name and with a reason, which becomes an event", async () => {
    const stage = await contradicted();
    const body = { override: ["target-not-ready"], reason: "the WAF blocks our probes" };
    const { id } = (await promote(stage, body)).body;
    expect(await endOf(stage, id)).toMatchObject({ status: "succeeded", result: { stage: "testing" } });
    const { items } = (await stage.call("GET", "/v1/failovers/shop/events")).body;
    expect(items).toContainEqual(
      expect.objectContaining({
        type: "guard.overridden",
        actor: expect.objectContaining({ kind: "token" }),
        data: expect.objectContaining({
          reason: "the WAF blocks our probes",
          guards: [expect.objectContaining({ guard: "target-not-ready" })],
        }),
      }),
    );
  });
});

describe("an endpoint that Cloudflare finds unhealthy", () => {
  it.each(["primary", "secondary"] as const)("keeps the failover where it is: %s", async (side) => {
    const stage = setStage();
    stage.simulator.world.addOrigin({ address: "spare.example.net", title: "Spare" });
    await stage.ready({ ...SHOP, secondary: { address: "spare.example.net" } });
    stage.simulator.world.origin(side === "primary" ? "origin.example.net" : "spare.example.net").up = false;
    await stage.minutes(2);
    stage.forgetCalls();
    const { status, body } = await promote(stage);
    expect(status).toBe(409);
    expect(body.refusals).toMatchObject([
      { guard: "target-not-ready", facts: { endpoint: side, verdict: "unhealthy" } },
    ]);
    expect(body.refusals[0].message).toContain(`the ${side} endpoint unhealthy: TCP connection failed`);
    expect(stage.writes()).toEqual([]);
  });

  it("is asked for afresh: what was healthy a tick ago doesn't count", async () => {
    const stage = setStage();
    await stage.ready();
    origin(stage).up = false;
    // Cloudflare's checks run, ours haven't looked yet.
    await stage.pass(60);
    expect(await witnesses(stage)).toMatchObject({ cloudflare: { verdict: "healthy" } });
    expect((await promote(stage)).body.refusals).toMatchObject([{ facts: { verdict: "unhealthy" } }]);
  });
});

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createFleet } from "./fleet.ts";
import { allSent, aListener, deliveriesOf, pauseBecause } from "./listeners.ts";
import { inStage, begin, REHEARSALS } from "./rehearsal.ts";
import { setStage, SHOP, type Stage } from "./stage.ts";

async function minutesAndSend(stage: Stage, count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await stage.minutes(1);
    await allSent();
  }
}

describe("an outage of the primary", () => {
  it("is told with what visitors get, and a pager's alerts are resolved under the keys that opened them", async () => {
    const stage = await inStage("production");
    const hook = await aListener(stage, "hook");
    const pager = await aListener(stage, "pager", { type: "pagerduty", secret: "k".repeat(32) });
    const critical = await aListener(stage, "critical", { filter: { severities: ["critical"] } });
    await minutesAndSend(stage, 2);
    expect(hook.titles()).toEqual([]);
    stage.simulator.world.origin("origin.example.net").up = false;
    await minutesAndSend(stage, 4);
    expect(hook.titles().toSorted()).toEqual([
      "shop: served by the secondary, not as wanted",
      "shop: the primary is unhealthy",
    ]);
    const unhealthy = hook.taken().find(({ data }) => data.incident.endsWith(":primary-unhealthy"));
    expect(unhealthy.data).toMatchObject({
      severity: "warning",
      visitors: expect.stringMatching(/^Visitors of www\.example\.com get the (primary|secondary) \(/),
      remedy: expect.stringContaining("Cloudflare finds the primary endpoint unhealthy"),
      link: "https://understudy.test/v1/failovers/shop",
    });
    stage.simulator.world.origin("origin.example.net").up = true;
    await minutesAndSend(stage, 6);
    const sent = pager.taken().map(({ event_action: action, dedup_key: key }) => `${action} ${key}`);
    const { id } = await stage.failover();
    expect(sent.toSorted()).toEqual([
      `resolve ${id}:diverted`,
      `resolve ${id}:primary-unhealthy`,
      `trigger ${id}:diverted`,
      `trigger ${id}:primary-unhealthy`,
    ]);
    expect(critical.titles()).toEqual([]);
    await minutesAndSend(stage, 2);
    expect(pager.taken()).toHaveLength(4);
  });
});

describe("an outage of many", () => {
  it("is one message with a list", async () => {
    const stage = setStage();
    const { origins, names } = await createFleet(stage, 6);
    await stage.minutes(3);
    const hook = await aListener(stage, "hook", { filter: { types: ["health.changed"] } });
    for (const address of origins) stage.simulator.world.origin(address).up = false;
    await minutesAndSend(stage, 3);
    const [first] = hook.taken();
    expect(hook.taken()).toHaveLength(1);
    expect(first.data).toMatchObject({
      title: "6 failovers: the primary is unhealthy",
      incident: "fleet:primary-unhealthy",
    });
    expect(first.data.failovers.toSorted()).toEqual(names);
    for (const address of origins) stage.simulator.world.origin(address).up = true;
    await minutesAndSend(stage, 6);
    expect(hook.titles()).toEqual([
      "6 failovers: the primary is unhealthy",
      "Over for every failover: the primary is unhealthy",
    ]);
  });
});

describe("a drill", () => {
  it.each(REHEARSALS)("by $method in $stage is told by its outcome alone", async (rehearsal) => {
    const stage = await inStage(rehearsal.stage);
    const hook = await aListener(stage);
    // Long enough for the cron to see the diversion.
    const id = await begin(stage, rehearsal, { hold_seconds: 120 });
    for (let steps = 0; steps < 150; steps += 1) {
      await stage.alarms();
      const { body } = await stage.call("GET", `/v1/operations/${id}`);
      if (body.status !== "running" && body.status !== "pending") break;
      await stage.pass(2);
      if (steps % 30 === 29) await stage.tick();
    }
    await minutesAndSend(stage, 4);
    expect(hook.titles()).toEqual(["shop: the drill passed"]);
  });
});

describe("what is secret of a channel", () => {
  const SECRETS = ["hook-t0ken", "T0KEN/B0T/slack-s3cret", "k".repeat(32), "pa55word-of-ours"];

  async function aStageWithSecrets() {
    const stage = setStage();
    await stage.call("POST", "/v1/failovers", SHOP);
    const hook = await aListener(stage, "hook");
    const pager = await aListener(stage, "pager", { type: "pagerduty", secret: "k".repeat(32) });
    const slack = await aListener(stage, "slack", {
      type: "slack",
      url: "https://ours:pa55word-of-ours@slack.receiver.example.org/services/T0KEN/B0T/slack-s3cret",
    });
    return { stage, hook, pager, slack };
  }

  async function everyRow(): Promise<string> {
    const { results: tables } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
    ).all<{ name: string }>();
    const rows = await env.DB.batch(tables.map(({ name }) => env.DB.prepare(`SELECT * FROM ${name}`)));
    return JSON.stringify(rows.map(({ results }) => results));
  }

  it("stands in no row, answer or event", async () => {
    const { stage, hook, slack } = await aStageWithSecrets();
    slack.receiver.status = 500;
    slack.receiver.body = "nobody at /services/T0KEN/B0T/slack-s3cret has ours:pa55word-of-ours";
    await pauseBecause(stage, "look");
    await allSent();
    expect(hook.pauses()).toEqual(["shop look"]);
    const answers = await Promise.all(
      ["/v1/channels", "/v1/channels/slack", "/v1/channels/slack/deliveries", "/v1/events"].map((path) =>
        stage.call("GET", path),
      ),
    );
    const shown = JSON.stringify(answers.map(({ body }) => body));
    const stored = await everyRow();
    expect(stored).toContain("slack.receiver.example.org");
    for (const secret of [...SECRETS, hook.channel.secret]) {
      expect(shown).not.toContain(secret);
      expect(stored).not.toContain(secret);
    }
    expect(slack.receiver.received[0]?.headers["authorization"]).toBe(
      `Basic ${btoa("ours:pa55word-of-ours")}`,
    );
  });

  it("that was sealed with another key is not sent, and says so", async () => {
    const { stage, hook } = await aStageWithSecrets();
    await env.DB.prepare(
      "UPDATE channels SET url = 'v1.0badc0de' || substr(url, 12) WHERE name = 'hook'",
    ).run();
    await pauseBecause(stage, "sealed");
    await allSent();
    expect(hook.receiver.received).toEqual([]);
    expect((await deliveriesOf(stage, "hook")).at(-1)).toMatchObject({
      status: "pending",
      last_error: expect.stringContaining("0badc0de, which is neither DATA_KEY nor DATA_KEY_PREVIOUS"),
    });
  });

  it("may not lead anywhere but to the public internet, by its name neither", async () => {
    const stage = setStage();
    stage.simulator.world.addOrigin({
      address: "inside.example.org",
      resolvesTo: ["93.184.216.34", "10.0.0.1"],
    });
    for (const url of [
      "http://example.org/",
      "https://169.254.169.254/",
      "https://inside.example.org/hook",
    ]) {
      const { status, body } = await stage.call("POST", "/v1/channels", {
        name: "hook",
        type: "webhook",
        url,
      });
      expect(status).toBe(422);
      expect(body.errors).toEqual([{ pointer: "/url", message: expect.any(String) }]);
    }
    const hook = await aListener(stage);
    hook.receiver.resolvesTo = ["127.0.0.1"];
    await stage.call("POST", "/v1/channels/hook/test");
    await allSent();
    expect(hook.receiver.received).toEqual([]);
    expect((await deliveriesOf(stage, "hook"))[0].last_error).toContain("not on the public internet");
  });

  it.each([
    [{ type: "slack", secret: "x" }, "/secret"],
    [{ type: "pagerduty" }, "/secret"],
    [{ type: "pagerduty", secret: "short" }, "/secret"],
    [{ type: "webhook", secret: "not-a-secret" }, "/secret"],
    [{ type: "webhook", name: "Not A Name" }, "/name"],
    [{ type: "carrier-pigeon" }, "/type"],
    [{ type: "webhook", filter: { types: [] } }, "/filter/types"],
    [{ type: "webhook", filter: { severity: ["info"] } }, "/filter/severity"],
    [{ type: "webhook", retries: 3 }, "/retries"],
  ])("and a channel like %j is refused", async (request, pointer) => {
    const stage = setStage();
    const body = { name: "hook", url: "https://hook.receiver.example.org/", ...request };
    stage.simulator.world.addReceiver({ address: "hook.receiver.example.org" });
    const answer = await stage.call("POST", "/v1/channels", body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });
});

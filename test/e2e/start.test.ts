import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { freePort } from "../../scripts/ports.ts";
import { clearAway, runNpm, type Running } from "./npm.ts";
import { commandsIn, typeLines } from "./typed-lines.ts";

const READY = "Ctrl-C stops everything.";
const MINUTE_MS = 60_000;

/** What each line is there for, and what it has to show. */
const LINES: readonly (readonly [line: RegExp, shows: RegExp])[] = [
  [/^export API=/, /^$/],
  [/^curl .*"name":"shop"/, /"stage":"draft"/],
  [/^until .*"readiness":"ready"/, /"readiness":"ready"/],
  [/^curl .*\/promote/, /"status":"succeeded".*"stage":"testing"/],
  [/^curl .*Host: lb-shop\.example\.com/, /<title>Primary</],
  [/^curl .*\/drills/, /"status":"succeeded".*"passed":true/],
  [/^curl .*\/promote/, /"status":"succeeded".*"stage":"production"/],
  [/^curl .*Host: www\.example\.com/, /<title>Primary</],
  [/^curl .*\/v1\/setup\/notifications/, /"in_place":true/],
  [/^curl .*\/_sim\/deploy\/shop/, /"environment":"production"/],
  [/^until .*standby\.verified/, /standby\.verified/],
  [/^curl .*"up":false/, /"up":false/],
  [/^curl .*Host: www\.example\.com/, /<title>Secondary</],
  [/^until .*"serving":"secondary"/, /"serving":"secondary"/],
  [/^curl .*"up":true/, /"up":true/],
  [/^until .*"serving":"primary"/, /"serving":"primary"/],
  [/^curl .*\/events/, /"type":"failover\.created"/],
];

describe("npm start", () => {
  const state = mkdtempSync(path.join(tmpdir(), "understudy-start-"));
  let running: Running | undefined;
  let commands: string[] = [];

  const start = async () => {
    const [port, simulatorPort] = [await freePort(), await freePort()];
    const env = { STATE: state, CLOCK_RATE: "20", PORT: String(port), SIMULATOR_PORT: String(simulatorPort) };
    running = runNpm(["start"], env);
    await running.until(READY, MINUTE_MS);
    commands = commandsIn(running.said());
    return running;
  };
  /** The failover as the service has it, and what a visitor of its hostname gets. */
  const look = async () => {
    const [, failover = "", visited = ""] = await typeLines(
      [
        commands[0] ?? "",
        'curl -sS $API/v1/failovers/shop -H "$AUTH"',
        'curl -sS $SIM -H "Host: www.example.com"',
      ],
      MINUTE_MS,
    );
    return { failover: JSON.parse(failover), visited };
  };

  afterEach(() => clearAway(running));
  afterAll(() => rmSync(state, { recursive: true, force: true }));

  test("serves within a minute, takes the first failover through its printed lines, and keeps it over a restart", async () => {
    const first = await start();
    expect(commands.map((command, at) => [command, LINES[at]?.[0].test(command)])).toEqual(
      commands.map((command) => [command, true]),
    );
    expect(commands).toHaveLength(LINES.length);
    const answers = await typeLines(commands, MINUTE_MS);
    const wrong = LINES.flatMap(([, shows], at) =>
      shows.test(answers[at] ?? "") ? [] : [`${commands[at]}\n${answers[at]}`],
    );
    expect(wrong).toEqual([]);
    const before = await look();
    expect(before.failover.stage).toBe("production");

    first.pressCtrlC();
    expect(await first.ended).not.toBe(1);
    await expect.poll(() => first.left(), { timeout: 10_000 }).toEqual([]);
    // A dead origin is the simulator's everyday business, and nothing to fill a terminal with.
    expect(first.said().split(READY)[1]?.trim()).toMatch(/^Stopping …\s+Stopped\.$/);
    expect(first.complained()).toBe("");

    const second = await start();
    const after = await look();
    expect(after.failover).toMatchObject({
      id: before.failover.id,
      revision: before.failover.revision,
      stage: "production",
      cloudflare: before.failover.cloudflare,
      status: { sync: "synced" },
    });
    expect(after.visited).toMatch(/<title>Primary</);
    const seenAt = async () => Date.parse((await look()).failover.status.observed_at);
    const seenBefore = Date.parse(before.failover.status.observed_at);
    await expect.poll(seenAt, { timeout: MINUTE_MS }).toBeGreaterThan(seenBefore);

    second.child.kill("SIGTERM");
    await second.ended;
    await expect.poll(() => second.left(), { timeout: 10_000 }).toEqual([]);
  });

  test("says which variable chooses another port where one is taken", async () => {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    running = runNpm(["start"], {
      STATE: state,
      SIMULATOR_PORT: String(port),
      PORT: String(await freePort()),
    });
    expect(await running.ended).toBe(1);
    expect(running.complained()).toContain(`Port ${port} is taken. Choose another one: SIMULATOR_PORT=`);
    await expect.poll(() => running?.left(), { timeout: 10_000 }).toEqual([]);
    server.close();
  });
});

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { verifyLines } from "../../scripts/verify-trail.ts";
import type { Context } from "../../src/actions/context.ts";
import { pruneEvents } from "../../src/actions/prune-trail.ts";
import { sealTrail } from "../../src/actions/seal-trail.ts";
import { aListener } from "./listeners.ts";
import { rowsOf } from "./ledger.ts";
import { countRowsWritten } from "./rows-written.ts";
import { setStage, type Answer, type Stage } from "./stage.ts";

const ACCOUNT = "a0000000000000000000000000000001";

async function verify(stage: Stage, query = ""): Promise<Answer["body"]> {
  const { status, body } = await stage.call("GET", `/v1/audit/verify${query}`);
  expect(status).toBe(200);
  return body;
}

async function exported(stage: Stage, path = "/v1/events/export"): Promise<string> {
  return (await stage.call("GET", path)).body;
}

/** What the Coordinator has for sealing and pruning, over a database that may be one that fails. */
async function sealer(db: D1Database = env.DB): Promise<{ context: Context; logged: object[] }> {
  const [row] = await rowsOf<{ short_id: string }>("SELECT short_id FROM installation");
  const logged: object[] = [];
  const parts = {
    db,
    accountId: ACCOUNT,
    installation: row?.short_id ?? "",
    clock: { now: () => Date.now(), sleep: async () => undefined },
    log: (entry: object) => logged.push(entry),
  };
  return { context: parts as unknown as Context, logged };
}

/** A database whose next batch dies, before or after it took effect. */
function dying(when: "before" | "after"): D1Database {
  return new Proxy(env.DB, {
    get(db, name: keyof D1Database) {
      if (name !== "batch") return db[name].bind(db);
      return async (writes: D1PreparedStatement[]) => {
        if (when === "after") await db.batch(writes);
        throw new Error("killed");
      };
    },
  });
}

/** Events that mean nothing, some of them sealed with the next tick. */
async function addEvents(count: number, at = Date.now()): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO events (id, account_id, failover_id, type, at, actor_kind, actor_name, data)
     SELECT 'evt_' || hex(randomblob(8)), ?1, 'fo_none', 'fleet.thawed', ?2, 'system', 'test', '{}'
     FROM json_each(?3)`,
  )
    .bind(ACCOUNT, at, JSON.stringify(Array.from({ length: count }, () => 0)))
    .run();
}

async function run(...statements: string[]): Promise<void> {
  await env.DB.batch(statements.map((sql) => env.DB.prepare(sql)));
}

describe("sealing", () => {
  it("goes on with every tick, in order, and a tick without events writes nothing of it", async () => {
    const stage = setStage();
    await stage.ready();
    const first = await verify(stage);
    expect(first).toMatchObject({ ok: true, first_broken: null, unsealed: { count: 0, from_seq: null } });
    expect(first.verified).toEqual({ from_seq: 1, to_seq: first.head.seq, count: first.head.count });
    const counted = await countRowsWritten(["trails", "seals", "events"]);
    await stage.minutes(2);
    expect(await counted()).toEqual({});
    await stage.call("POST", "/v1/fleet/freeze", { reason: "to have an event" });
    expect((await verify(stage)).unsealed).toEqual({ count: 1, from_seq: first.head.seq + 1 });
    await stage.minutes(1);
    const second = await verify(stage);
    expect(second).toMatchObject({ ok: true, unsealed: { count: 0 } });
    expect(second.head.count).toBeGreaterThan(first.head.count);
    expect(second.head.hash).not.toBe(first.head.hash);
  });

  it.each(["before", "after"] as const)(
    "that is killed %s it took effect goes on where it was",
    async (when) => {
      const stage = setStage();
      await stage.ready();
      await addEvents(3);
      const killed = await sealer(dying(when));
      await sealTrail(killed.context);
      expect(killed.logged).toHaveLength(1);
      expect((await verify(stage)).unsealed.count).toBe(when === "before" ? 3 : 0);
      await addEvents(2);
      await stage.crash();
      await stage.minutes(1);
      expect(await verify(stage)).toMatchObject({ ok: true, unsealed: { count: 0 } });
    },
  );

  it("by several at once makes one chain", async () => {
    const stage = setStage();
    await stage.ready();
    for (let rounds = 0; rounds < 5; rounds += 1) {
      await addEvents(4);
      const { context } = await sealer();
      await Promise.all([sealTrail(context), sealTrail(context), sealTrail(context), stage.tick()]);
    }
    const seals = await rowsOf<{ position: number }>("SELECT position FROM seals ORDER BY seq");
    expect(seals.map(({ position }) => position)).toEqual(seals.map((_, index) => index + 1));
    expect(await verify(stage)).toMatchObject({ ok: true, unsealed: { count: 0 } });
  });

  it("by one that was thought dead and writes late changes nothing", async () => {
    const stage = setStage();
    await stage.ready();
    await addEvents(2);
    const late = new Proxy(env.DB, {
      get(db, name: keyof D1Database) {
        if (name !== "batch") return db[name].bind(db);
        return async (writes: D1PreparedStatement[]) => {
          await addEvents(3);
          await stage.tick();
          return db.batch(writes);
        };
      },
    });
    const { context, logged } = await sealer(late);
    await sealTrail(context);
    expect(logged).toMatchObject([{ level: "warn" }]);
    expect(await verify(stage)).toMatchObject({ ok: true, head: { count: 16 }, unsealed: { count: 0 } });
  });

  it("takes no more than a thousand at a time, and catches up", async () => {
    const stage = setStage();
    await stage.ready();
    await addEvents(1_200);
    await stage.minutes(1);
    const after = await verify(stage);
    expect(after.unsealed.count).toBeGreaterThan(0);
    await stage.minutes(1);
    const all = await verify(stage);
    expect(all).toMatchObject({ ok: true, unsealed: { count: 0 }, next_cursor: null });
    const piece = await verify(stage, "?limit=600");
    expect(piece).toMatchObject({ ok: true, next_cursor: expect.any(String) });
    const rest = await verify(stage, `?cursor=${piece.next_cursor}`);
    expect(rest).toMatchObject({ ok: true, next_cursor: null, verified: { to_seq: all.head.seq } });
    expect(piece.verified.count + rest.verified.count).toBe(all.head.count);
    expect((await stage.call("GET", "/v1/audit/verify?cursor=bm9uc2Vuc2U")).status).toBe(422);
  });
});

describe("what somebody changed by hand", () => {
  const CHANGES: [string, string[], number][] = [
    ...["id", "account_id", "failover_id", "type", "actor_kind", "actor_name", "request_id"].map(
      (column): [string, string[], number] => [
        `an event's ${column}`,
        [`UPDATE events SET ${column} = 'x' WHERE seq = 4`],
        4,
      ],
    ),
    ["an event's at", ["UPDATE events SET at = at + 1 WHERE seq = 4"], 4],
    ["an event's at, beyond all time", ["UPDATE events SET at = 9e15 WHERE seq = 4"], 4],
    ["an event's data", ["UPDATE events SET data = json_set(data, '$.role', 'primary') WHERE seq = 2"], 2],
    ["an event's data, to what isn't JSON", ["UPDATE events SET data = '{' WHERE seq = 4"], 4],
    ["an event's seq", ["UPDATE events SET seq = 1000 WHERE seq = 4"], 4],
    ["an event, deleted", ["DELETE FROM events WHERE seq = 4"], 4],
    [
      "an event with its seal, deleted",
      ["DELETE FROM events WHERE seq = 4", "DELETE FROM seals WHERE seq = 4"],
      5,
    ],
    [
      "the last events with their seals, deleted",
      ["DELETE FROM events WHERE seq > 6", "DELETE FROM seals WHERE seq > 6"],
      11,
    ],
    [
      "the first event with its seal, deleted",
      ["DELETE FROM events WHERE seq = 1", "DELETE FROM seals WHERE seq = 1"],
      2,
    ],
    [
      "an event in another's place",
      [
        "DELETE FROM events WHERE seq = 4",
        `INSERT INTO events SELECT 4, 'evt_mine', account_id, failover_id, type, at, actor_kind, actor_name, request_id, data
         FROM events WHERE seq = 5`,
      ],
      4,
    ],
    [
      "two events swapped",
      [
        "UPDATE events SET seq = 1000 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 5",
        "UPDATE events SET seq = 5 WHERE seq = 1000",
      ],
      4,
    ],
    ["a hash", ["UPDATE seals SET hash = replace(hash, substr(hash, 1, 4), 'beef') WHERE seq = 4"], 4],
    ["a place", ["UPDATE seals SET position = 3 WHERE seq = 4"], 4],
    ["a seal, deleted", ["DELETE FROM seals WHERE seq = 4"], 4],
    ["the head", ["UPDATE trails SET sealed_hash = 'beef'"], 11],
    ["the head, deleted", ["DELETE FROM trails"], 1],
    ["the genesis", ["UPDATE trails SET pruned_hash = 'beef'"], 0],
    ["the installation", ["UPDATE installation SET short_id = 'another1'"], 0],
  ];

  it("is found, whatever it was, and where", async () => {
    const stage = setStage();
    await stage.ready();
    const tables = ["events", "seals", "trails", "installation"];
    await run(...tables.map((table) => `CREATE TABLE kept_${table} AS SELECT * FROM ${table}`));
    const restore = tables.flatMap((table) => [
      `DELETE FROM ${table}`,
      `INSERT INTO ${table} SELECT * FROM kept_${table}`,
    ]);
    expect(await verify(stage)).toMatchObject({ ok: true, head: { seq: 11 } });
    const found: unknown[] = [];
    for (const [what, statements] of CHANGES) {
      await run(...statements);
      const { ok, first_broken: broken } = await verify(stage);
      found.push([what, ok, broken?.seq]);
      await run(...restore);
    }
    expect(found).toEqual(CHANGES.map(([what, , seq]) => [what, false, seq]));
    expect((await verify(stage)).ok).toBe(true);
  });
});

describe("retention", () => {
  const DAYS = 400;
  const OLD = Date.UTC(2035, 0, 1) - (DAYS + 1) * 86_400_000;

  it("forgets old sealed events and leaves a checkpoint from which the rest is verified", async () => {
    const stage = setStage();
    await stage.tick();
    await addEvents(700, OLD);
    await stage.ready();
    const before = await verify(stage);
    expect(before).toMatchObject({ ok: true, checkpoint: null });
    await stage.pass(3_600 - 240);
    await stage.minutes(1);
    const after = await verify(stage);
    expect(after).toMatchObject({
      ok: true,
      checkpoint: { seq: 700, count: 700, hash: expect.any(String) },
      verified: { from_seq: 701 },
    });
    expect(after.head.count).toBeGreaterThanOrEqual(before.head.count);
    expect(await rowsOf("SELECT seq FROM events WHERE seq <= 700")).toEqual([]);
    await run("UPDATE events SET type = 'fleet.frozen' WHERE seq = 701");
    expect(await verify(stage)).toMatchObject({ ok: false, first_broken: { seq: 701 } });
  });

  it("keeps what isn't sealed, what a channel has yet to hear of, and what doesn't verify", async () => {
    const stage = setStage();
    await stage.ready();
    await addEvents(3, OLD);
    const { context, logged } = await sealer();
    // All that is older than a year from now: nothing but the lack of a seal protects the last three.
    const later = stage.now() + DAYS * 86_400_000;
    await pruneEvents(context, later);
    expect((await verify(stage)).unsealed).toEqual({ count: 3, from_seq: 12 });
    expect((await verify(stage)).checkpoint).toMatchObject({ seq: 11 });
    await stage.minutes(1);
    await aListener(stage);
    const [{ event_seq: told } = { event_seq: 0 }] = await rowsOf<{ event_seq: number }>(
      "SELECT event_seq FROM outboxes",
    );
    await run("UPDATE outboxes SET event_seq = 13");
    await sealTrail(context);
    await pruneEvents(context, later);
    expect((await verify(stage)).checkpoint).toMatchObject({ seq: 13 });
    await run(
      `UPDATE outboxes SET event_seq = ${told}`,
      "UPDATE events SET data = '{\"a\":1}' WHERE seq = 14",
    );
    await pruneEvents(context, later);
    expect((await verify(stage)).checkpoint).toMatchObject({ seq: 13 });
    expect(await verify(stage)).toMatchObject({ ok: false, first_broken: { seq: 14 } });
    expect(logged).toMatchObject([{ message: expect.stringContaining("trail is broken"), seq: 14 }]);
  });
});

describe("an export", () => {
  it("is verified without the service, and shows what was changed", async () => {
    const stage = setStage();
    await stage.ready();
    await addEvents(1_100);
    await stage.minutes(2);
    await addEvents(1);
    const text = await exported(stage);
    const { head, genesis } = await verify(stage);
    const lines = text.trimEnd().split("\n");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ position: 1, previous_hash: genesis.hash });
    expect(await verifyLines(text)).toEqual({
      lines: head.count + 1,
      unsealed: 1,
      gaps: 0,
      last: head.hash,
      faults: [],
    });
    const changed = text.replace('"role":"monitor"', '"role":"primary"');
    expect((await verifyLines(changed)).faults).toEqual(["2 isn't what was sealed"]);
    const without = lines.toSpliced(3, 1).join("\n");
    expect((await verifyLines(without)).gaps).toBe(1);
  });

  it("has the range that was asked for, and of a failover its own", async () => {
    const stage = setStage();
    await stage.ready();
    await addEvents(1);
    const seqs = async (path: string) =>
      (await exported(stage, path))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line).seq as number);
    expect(await seqs("/v1/events/export?from_seq=3&to_seq=5")).toEqual([3, 4, 5]);
    expect(await seqs("/v1/events/export?type=object.*,failover.created")).toEqual([1, 2, 3, 4, 5]);
    expect(await seqs("/v1/events/export?since=2035-01-01T00:01:00Z&until=2035-01-01T00:02:00Z")).toEqual([
      7, 8, 9,
    ]);
    expect((await seqs("/v1/failovers/shop/events/export")).at(-1)).toBe(11);
    expect((await stage.call("GET", "/v1/events/export?from_seq=x")).status).toBe(422);
    expect((await stage.call("GET", "/v1/failovers/none/events/export")).status).toBe(404);
  });
});

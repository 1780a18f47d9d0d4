// Claims of keys against real D1: who may act, when another may take over, and that an effect is stored once.
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createKeys, keepOutcome, unlessTakenOver } from "../../src/actions/idempotency-keys.ts";
import type { Claim, KeyDecision } from "../../src/failover/idempotency.ts";
import { ok } from "../../src/failover/results.ts";
import { commit } from "../../src/store/failovers.ts";
import { pruneKeys } from "../../src/store/idempotency-keys.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const REQUEST = { principal: "token:a", route: "POST /v1/x", key: "k", fingerprint: "same" };
const ANSWER = { status: 201, headers: { location: "/v1/x/1" }, body: "{}" };

function setKeys() {
  const clock = { at: Date.UTC(2035, 0, 1), now: () => clock.at };
  const keys = createKeys({ db: env.DB, accountId: "acc", clock });
  const claim = (more: Partial<typeof REQUEST> = {}) => keys.claim({ ...REQUEST, ...more });
  return { clock, keys, claim };
}

function claimOf(decision: KeyDecision): Claim {
  if (decision.kind !== "act") throw new Error(`expected to act, but it is ${decision.kind}`);
  return decision.claim;
}

const effect = (claim: Claim, value: object) =>
  unlessTakenOver(async () => {
    await commit(env.DB, keepOutcome({ db: env.DB, claim }, value));
    return ok(value);
  });

async function rows(): Promise<number> {
  const row = await env.DB.prepare("SELECT count(*) AS n FROM idempotency_keys").first<{ n: number }>();
  return row?.n ?? 0;
}

describe("a key", () => {
  it("lets one of twenty act, whoever comes first", async () => {
    const { claim } = setKeys();
    const found = await Promise.all(Array.from({ length: 20 }, () => claim()));
    expect(found.map(({ kind }) => kind).toSorted()).toEqual([
      "act",
      ...Array.from({ length: 19 }, () => "still-running"),
    ]);
    expect(await rows()).toBe(1);
  });

  it("gives what was answered, and until then what was done", async () => {
    const { keys, claim } = setKeys();
    const first = claimOf(await claim());
    expect(await effect(first, { operationId: "op_1" })).toMatchObject({ ok: true });
    expect(await claim()).toEqual({ kind: "rebuild", outcome: { operationId: "op_1" } });
    await keys.answered(first, ANSWER);
    expect(await claim()).toEqual({ kind: "replay", answer: ANSWER });
    expect(await claim({ fingerprint: "another" })).toEqual({ kind: "other-request" });
  });

  it("belongs to a principal and a route", async () => {
    const { keys, claim } = setKeys();
    await keys.answered(claimOf(await claim()), ANSWER);
    expect((await claim({ principal: "token:b" })).kind).toBe("act");
    expect((await claim({ route: "POST /v1/y" })).kind).toBe("act");
  });

  it("is taken over after a minute in which nothing was done, and the first one then does nothing any more", async () => {
    const { clock, claim } = setKeys();
    const first = claimOf(await claim());
    clock.at += MINUTE_MS - 1;
    expect((await claim()).kind).toBe("still-running");
    clock.at += 1;
    expect((await claim({ fingerprint: "another" })).kind).toBe("other-request");
    const second = claimOf(await claim());
    expect(await effect(first, { operationId: "late" })).toMatchObject({
      ok: false,
      failure: { code: "refused" },
    });
    expect(await effect(second, { operationId: "op_2" })).toMatchObject({ ok: true });
    expect(await claim()).toEqual({ kind: "rebuild", outcome: { operationId: "op_2" } });
  });

  it("isn't taken over once something was done, however long that is ago", async () => {
    const { clock, claim } = setKeys();
    await effect(claimOf(await claim()), { operationId: "op_1" });
    clock.at += DAY_MS - 1;
    expect(await claim()).toEqual({ kind: "rebuild", outcome: { operationId: "op_1" } });
  });

  it("is free for any request after a refusal, and for the same one after a fault", async () => {
    const { keys, claim } = setKeys();
    await keys.release(claimOf(await claim()), "same");
    expect((await claim({ fingerprint: "another" })).kind).toBe("other-request");
    const again = claimOf(await claim());
    await keys.release(again, "any");
    const other = claimOf(await claim({ fingerprint: "another" }));
    // Whoever was refused late must not act in the place of the one that has the key now.
    expect(await effect(again, { operationId: "late" })).toMatchObject({ ok: false });
    expect(await effect(other, { operationId: "op_3" })).toMatchObject({ ok: true });
  });

  it("stays with what was done, although the answer was a fault or a refusal", async () => {
    const { keys, claim } = setKeys();
    const first = claimOf(await claim());
    await effect(first, { operationId: "op_1" });
    await keys.release(first, "any");
    expect((await claim({ fingerprint: "another" })).kind).toBe("other-request");
    expect((await claim()).kind).toBe("rebuild");
  });

  it("is forgotten after a day, pruned or not", async () => {
    const { clock, keys, claim } = setKeys();
    await keys.answered(claimOf(await claim()), ANSWER);
    const prune = () => commit(env.DB, [pruneKeys(env.DB, "acc", clock.at - DAY_MS)]);
    clock.at += DAY_MS - 1;
    await prune();
    expect((await claim()).kind).toBe("replay");
    clock.at += 1;
    expect((await claim({ fingerprint: "another" })).kind).toBe("act");
    clock.at += DAY_MS;
    await prune();
    expect(await rows()).toBe(0);
  });
});

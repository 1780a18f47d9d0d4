import { describe, expect, test } from "vitest";
import {
  beginVerification,
  brokenDeploy,
  describeDeployment,
  endUndecided,
  foldLooks,
  isDecided,
  isVerified,
  lookOf,
  nextLookAt,
  recoverBySamples,
  type Deployment,
  type Look,
  type ProjectWatch,
  type Verification,
} from "../../src/failover/deploys.ts";
import type { ProbeResult, Sample, Verdict } from "../../src/failover/results.ts";
import { landRollback, noticeServing } from "../../src/failover/served-deployment.ts";
import { beginRollback, decideRollback, nextRollbackStep, type Wish } from "../../src/failover/rollback.ts";

const NOW = 1_700_000_000_000;
const SERVED = [{ failoverId: "fo_1", side: "secondary" }] as const;

function aDeployment(given: Partial<Deployment> = {}): Deployment {
  return { id: "11111111-a", commit: null, message: null, url: null, liveAt: NOW, ...given };
}

const OLD = aDeployment({ id: "0000old" });
const NEW = aDeployment({ id: "1111new" });

function aProbe(given: Partial<ProbeResult> = {}): ProbeResult {
  const good: ProbeResult = {
    ok: true,
    status: 200,
    latencyMs: 5,
    failure: null,
    detail: null,
    traits: {},
    way: "fetch",
  };
  return { ...good, ...given };
}

function aLook(found: Look["found"], at: number, answered = true): Look {
  return { at, found, answered, seen: found };
}

function begun(given: Partial<Pick<Verification, "why">> & { deployment?: Deployment } = {}): Verification {
  return beginVerification(given.deployment ?? NEW, given.why ?? "deployed", "cron", SERVED, NOW);
}

/** Looks at the given seconds after the beginning. */
function looked(looks: readonly (readonly [Look["found"], number])[], from = begun()): Verification {
  return looks.reduce(
    (verification, [found, seconds]) => foldLooks(verification, () => aLook(found, NOW + seconds * 1000)),
    from,
  );
}

const outcomeOf = ({ endpoints }: Verification) => endpoints[0]?.outcome;

describe("a look", () => {
  test.each<[string, Partial<ProbeResult>, Verdict, Look["found"]]>([
    ["a good answer", {}, "healthy", "good"],
    ["a wrong status", { ok: false, status: 500, failure: "status" }, "healthy", "bad"],
    ["a page that lacks the text", { ok: false, status: 200, failure: "body" }, "healthy", "bad"],
    ["silence", { ok: false, status: null, failure: "timeout" }, "healthy", "bad"],
    ["a challenge", { ok: false, status: 403, failure: "challenged" }, "unhealthy", "unknown"],
    ["an answer from a cache", { ok: false, status: 200, failure: "cached" }, "healthy", "unknown"],
    ["a 403 where Cloudflare is let in", { ok: false, status: 403, failure: "status" }, "healthy", "unknown"],
    ["a 403 where nobody is", { ok: false, status: 403, failure: "status" }, "unhealthy", "bad"],
    [
      "a name that doesn't resolve for us",
      { ok: false, status: null, failure: "dns" },
      "unhealthy",
      "unknown",
    ],
    ["no way there", { ok: false, status: null, failure: "unreachable" }, "unhealthy", "unknown"],
  ])("finds %s", (_, probe, cloudflare, found) => {
    expect(lookOf(aProbe(probe), cloudflare, NOW)).toMatchObject({
      found,
      answered: probe.status !== null,
    });
  });
});

describe("a verification", () => {
  test.each<[string, readonly (readonly [Look["found"], number])[], ReturnType<typeof outcomeOf>]>([
    [
      "waits while it settles",
      [
        ["good", 0],
        ["good", 5],
        ["good", 14],
      ],
      null,
    ],
    [
      "is good after three good looks",
      [
        ["good", 0],
        ["good", 5],
        ["good", 15],
      ],
      "verified",
    ],
    [
      "is broken after three bad looks",
      [
        ["bad", 0],
        ["bad", 5],
        ["bad", 15],
      ],
      "broken",
    ],
    [
      "isn't broken by what settles",
      [
        ["bad", 0],
        ["bad", 5],
        ["good", 15],
        ["good", 15],
        ["good", 15],
      ],
      "verified",
    ],
    [
      "isn't good by the version before",
      [
        ["good", 0],
        ["good", 5],
        ["bad", 15],
        ["bad", 15],
        ["bad", 15],
      ],
      "broken",
    ],
    [
      "waits for three in a row",
      [
        ["bad", 15],
        ["good", 15],
        ["bad", 15],
        ["bad", 30],
      ],
      null,
    ],
    [
      "says that it doesn't know",
      [
        ["unknown", 0],
        ["unknown", 5],
        ["unknown", 15],
      ],
      "unknown",
    ],
    [
      "takes one odd look for nothing",
      [
        ["good", 0],
        ["unknown", 5],
        ["good", 15],
        ["good", 30],
      ],
      null,
    ],
  ])("%s", (_, looks, outcome) => {
    expect(outcomeOf(looked(looks))).toBe(outcome);
  });

  test("is decided by one step's looks where the deployment went live a while ago", () => {
    const since = begun({ deployment: { ...NEW, liveAt: NOW - 20_000 } });
    expect(
      outcomeOf(
        looked(
          [
            ["bad", 0],
            ["bad", 0],
            ["bad", 0],
          ],
          since,
        ),
      ),
    ).toBe("broken");
  });

  test("settles from now on where Cloudflare's clock is ahead of ours", () => {
    expect(begun({ deployment: { ...NEW, liveAt: NOW + 3_600_000 } }).settledAt).toBe(NOW + 15_000);
  });

  test("settles from now on after a rollback, however old what it returns to is", () => {
    const old = { ...OLD, liveAt: NOW - 86_400_000 };
    expect(begun({ deployment: old, why: "rolled-back" }).settledAt).toBe(NOW + 15_000);
  });

  test("looks again soon at first, then every quarter of a minute, for a minute", () => {
    const instants: number[] = [];
    for (let at: number | null = NOW; at !== null; at = nextLookAt(begun(), at))
      instants.push((at - NOW) / 1000);
    expect(instants).toEqual([0, 5, 15, 30, 45, 60]);
  });

  test("doesn't wait for hours where the clock was set back", () => {
    expect(nextLookAt(begun(), NOW - 3_600_000)).toBe(NOW - 3_600_000 + 15_000);
  });

  test("ends as unknown where the answers differ to the end", () => {
    const wavering = looked([
      ["bad", 15],
      ["good", 30],
      ["bad", 45],
      ["good", 60],
    ]);
    expect(isDecided(wavering)).toBe(false);
    expect(outcomeOf(endUndecided(wavering, NOW + 60_000))).toBe("unknown");
  });

  test("forgets an endpoint that is none any more, and isn't good for that", () => {
    const gone = foldLooks(begun(), () => null);
    expect(isDecided(gone)).toBe(true);
    expect(isVerified(gone)).toBe(false);
  });
});

describe("the probes of the ticks", () => {
  const sample = (tick: number, ok: boolean): Sample => ({
    failoverId: "fo_1",
    tick,
    primary: aProbe(),
    secondary: aProbe({ ok }),
    hostname: null,
  });
  const broken = looked([
    ["bad", 15],
    ["bad", 15],
    ["bad", 15],
  ]);

  test.each<[string, readonly Sample[], boolean]>([
    ["say nothing before they succeed twice", [sample(NOW + 60_000, true)], false],
    ["mend what was broken", [sample(NOW + 60_000, true), sample(NOW + 120_000, true)], true],
    ["don't count from before", [sample(NOW - 60_000, true), sample(NOW, true)], false],
    ["have to succeed in a row", [sample(NOW + 60_000, true), sample(NOW + 120_000, false)], false],
  ])("%s", (_, samples, mended) => {
    const after = recoverBySamples(broken, () => samples, NOW + 180_000);
    expect(after === null ? null : outcomeOf(after)).toBe(mended ? "verified" : null);
  });

  test("are all that is asked of what was there from the beginning", () => {
    const first = begun({ why: "first-seen" });
    const samples = [sample(NOW, true), sample(NOW + 60_000, true)];
    const after = recoverBySamples(first, () => samples, NOW + 120_000);
    expect(after !== null && isVerified(after)).toBe(true);
    expect(recoverBySamples(begun(), () => samples, NOW + 120_000)).toBeNull();
  });
});

function aWatch(given: Partial<ProjectWatch> = {}): ProjectWatch {
  const verification = looked([
    ["bad", 0],
    ["bad", 5],
    ["bad", 15],
  ]);
  return {
    project: "shop",
    verification,
    verified: OLD,
    rollback: null,
    rolledBack: [],
    dueAt: null,
    ...given,
  };
}

const notice = (watch: ProjectWatch | null, serving: Deployment | null) =>
  noticeServing(watch, "shop", serving, SERVED, "cron", NOW + 60_000);

describe("what is served", () => {
  const rollback = beginRollback(NEW, OLD, NOW);

  test("is nothing new the second time", () => {
    expect(notice(aWatch(), NEW)).toBeNull();
  });

  test("is nothing new where it can't be told", () => {
    expect(notice(aWatch(), null)).toBeNull();
  });

  test("is no deploy where the project was never looked at before", () => {
    expect(notice(null, NEW)).toMatchObject({
      verification: { why: "first-seen" },
      dueAt: null,
      verified: null,
    });
  });

  test("is verified where it is another deployment, and the last good one is kept", () => {
    const third = aDeployment({ id: "2222" });
    expect(notice(aWatch(), third)).toMatchObject({
      verification: { why: "deployed", deployment: { id: "2222" } },
      verified: { id: OLD.id },
      dueAt: NOW + 60_000,
    });
  });

  test("ends a rollback that nobody knew to have landed", () => {
    const watch = aWatch({ rollback: { ...rollback, status: "sent", deadlineAt: NOW + 60_000 } });
    expect(notice(watch, OLD)).toMatchObject({
      rollback: { status: "verifying", confirmed: true },
      rolledBack: [NEW.id],
      verification: { why: "rolled-back", deployment: { id: OLD.id } },
    });
  });

  test("is somebody's new deploy during a rollback, which it ends", () => {
    const watch = aWatch({ rollback: { ...rollback, status: "sent" } });
    expect(notice(watch, aDeployment({ id: "2222" }))).toMatchObject({
      rollback: null,
      verification: { why: "deployed" },
    });
  });

  test("stays unclear where Cloudflare still names what was rolled back", () => {
    const landed = landRollback(aWatch({ rollback }), false, SERVED, NOW);
    expect(notice(landed, NEW)).toBeNull();
    const confirmed = notice(landed, OLD);
    expect(confirmed).toMatchObject({ rollback: { confirmed: true } });
    // Somebody went forward again, on purpose.
    expect(notice(confirmed, NEW)).toMatchObject({ verification: { why: "deployed" }, rolledBack: [NEW.id] });
  });
});

const wish = (policy: Wish["policy"], given: Partial<Wish> = {}): Wish => ({
  name: "shop",
  policy,
  paused: false,
  ...given,
});

describe("a rollback", () => {
  const silent = foldLooks(
    foldLooks(
      foldLooks(begun(), () => aLook("bad", NOW, false)),
      () => aLook("bad", NOW, false),
    ),
    () => aLook("bad", NOW + 15_000, false),
  );

  test.each<[string, ProjectWatch, readonly Wish[], object]>([
    ["is made where all want it", aWatch(), [wish("rollback")], { kind: "rollback", to: OLD }],
    [
      "isn't made where nobody asked for it",
      aWatch(),
      [wish("report")],
      { kind: "report", why: "on_broken_deploy is report" },
    ],
    [
      "isn't made where those who share the project disagree",
      aWatch(),
      [wish("rollback"), wish("report", { name: "blog" })],
      { kind: "report", why: expect.stringContaining("disagree: blog") },
    ],
    [
      "isn't made while one of them is paused",
      aWatch(),
      [wish("rollback"), wish("rollback", { name: "blog", paused: true })],
      { kind: "report", why: "blog is paused" },
    ],
    [
      "isn't made where nothing was ever found good",
      aWatch({ verified: null }),
      [wish("rollback")],
      { kind: "report", why: expect.stringContaining("ever found good") },
    ],
    [
      "isn't made to itself",
      aWatch({ verified: NEW }),
      [wish("rollback")],
      { kind: "report", why: expect.stringContaining("itself the last one") },
    ],
    [
      "isn't made twice of the same deployment",
      aWatch({ rolledBack: [NEW.id] }),
      [wish("rollback")],
      { kind: "report", why: expect.stringContaining("once already") },
    ],
    [
      "isn't made of what was rolled back to",
      aWatch({
        verification: looked(
          [
            ["bad", 15],
            ["bad", 15],
            ["bad", 15],
          ],
          begun({ why: "rolled-back" }),
        ),
      }),
      [wish("rollback")],
      { kind: "report", why: expect.stringContaining("rolled back to") },
    ],
    [
      "isn't made where no answer came at all",
      aWatch({ verification: silent }),
      [wish("rollback")],
      { kind: "report", why: expect.stringContaining("the way there") },
    ],
    [
      "isn't asked for where nothing is broken",
      aWatch({
        verification: looked([
          ["good", 15],
          ["good", 15],
          ["good", 15],
        ]),
      }),
      [wish("rollback")],
      { kind: "none" },
    ],
  ])("%s", (_, watch, wishes, decision) => {
    expect(decideRollback(watch, wishes)).toEqual(decision);
  });

  const wanted = beginRollback(NEW, OLD, NOW);
  const sent = { ...wanted, status: "sent" as const, attempts: 1, deadlineAt: NOW + 60_000 };
  test.each([
    ["is sent", wanted, NEW.id, "there", 0, { step: "send" }],
    ["has landed where the earlier one is served", wanted, OLD.id, "there", 0, { step: "landed" }],
    ["is overtaken by another deploy", wanted, "2222", "there", 0, { step: "overtaken" }],
    ["is overtaken where nothing is served", wanted, null, "there", 0, { step: "overtaken" }],
    ["fails where the earlier one is gone", wanted, NEW.id, "gone", 0, { step: "fail" }],
    ["waits as long as it may still land", sent, NEW.id, "there", 20, { step: "wait", until: NOW + 25_000 }],
    ["waits no longer than its deadline", sent, NEW.id, "there", 58, { step: "wait", until: NOW + 60_000 }],
    ["is sent again after that", sent, NEW.id, "there", 60, { step: "send" }],
    ["doesn't wait where the clock was set back", sent, NEW.id, "there", -60, { step: "send" }],
    ["fails after three times", { ...sent, attempts: 3 }, NEW.id, "there", 60, { step: "fail" }],
    ["fails after ten minutes", wanted, NEW.id, "there", 601, { step: "fail" }],
  ] as const)("%s", (_, rollback, serving, target, seconds, step) => {
    expect(nextRollbackStep(rollback, serving, target, NOW + seconds * 1000)).toMatchObject(step);
  });
});

describe("the sentence about a broken deploy", () => {
  test("names the deployment, the endpoint, what was seen and what to do", () => {
    expect(brokenDeploy(aWatch(), "fo_1", "secondary")).toBe(
      "the deployment 1111new of the Pages project shop broke the secondary endpoint (bad): deploy a mended version, or roll the project back",
    );
  });

  test.each([
    ["another endpoint", aWatch(), "fo_1", "primary"],
    ["another failover", aWatch(), "fo_2", "secondary"],
    [
      "a good deployment",
      aWatch({
        verification: looked([
          ["good", 15],
          ["good", 15],
          ["good", 15],
        ]),
      }),
      "fo_1",
      "secondary",
    ],
    [
      "what was there from the beginning",
      aWatch({ verification: { ...aWatch().verification, why: "first-seen" } }),
      "fo_1",
      "secondary",
    ],
    ["no project", undefined, "fo_1", "secondary"],
  ] as const)("isn't said of %s", (_, watch, failoverId, side) => {
    expect(brokenDeploy(watch, failoverId, side)).toBeNull();
  });
});

test.each([
  [{ commit: "9f8e7d6c5b", message: "Fix the footer" }, '1111new (commit 9f8e7d6, "Fix the footer")'],
  [{ commit: null, message: null }, "1111new"],
])("a deployment is described by what is known of it: %j", (given, words) => {
  expect(describeDeployment({ ...NEW, ...given })).toBe(words);
});

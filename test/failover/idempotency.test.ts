import { describe, expect, it } from "vitest";
import { decideKey, type KeyRecord } from "../../src/failover/idempotency.ts";

const answer = { status: 202, headers: {}, body: "{}" };
const outcome = { value: { operationId: "op_1" } };

const CASES: readonly [string, Partial<KeyRecord>, string][] = [
  ["who has the claim acts", { holder: "me" }, "act"],
  ["what is still being worked on is waited for", {}, "still-running"],
  ["what was done is answered from that", { outcome }, "rebuild"],
  ["what was answered is answered so again", { outcome, answer }, "replay"],
  ["what was answered and changed nothing, too", { answer }, "replay"],
  ["another request is none that waits", { fingerprint: "other" }, "other-request"],
  [
    "another request gets no answer that isn't its own",
    { fingerprint: "other", outcome, answer },
    "other-request",
  ],
];

describe("under a key", () => {
  it.each(CASES)("%s", (_, record, kind) => {
    const stored = {
      keyId: 7,
      fingerprint: "same",
      holder: "another",
      outcome: null,
      answer: null,
      ...record,
    };
    expect(decideKey(stored, { holder: "me", fingerprint: "same" }).kind).toBe(kind);
  });

  it("the claim names the key and its holder", () => {
    const stored = { keyId: 7, fingerprint: "same", holder: "me", outcome: null, answer: null };
    expect(decideKey(stored, { holder: "me", fingerprint: "same" })).toEqual({
      kind: "act",
      claim: { keyId: 7, holder: "me" },
    });
  });
});

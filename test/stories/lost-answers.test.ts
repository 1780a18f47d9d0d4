import { describe, expect, it } from "vitest";
import type { Effect } from "../simulator/simulator.ts";
import { endure } from "./endure.ts";
import { STEPS } from "./life.ts";

const LOST: Readonly<Record<string, Effect>> = {
  "the connection drops": { kind: "drop", when: "after" },
  "no answer comes in time": { kind: "timeout", when: "after" },
  "a 500 is answered": { kind: "status", status: 500, when: "after" },
  "a 200 is answered in HTML": { kind: "status", status: 200, body: "html", when: "after" },
  "null is answered": { kind: "status", status: 200, body: "null", when: "after" },
  "an envelope without success comes": { kind: "success-false", code: 10001, message: "internal error" },
  "a firewall answers 403 in HTML": { kind: "status", status: 403, body: "html", when: "after" },
};

const NEVER_SENT: Readonly<Record<string, Effect>> = {
  "the connection is refused": { kind: "drop", when: "before" },
  "nothing answers": { kind: "timeout", when: "before" },
  "a 503 is answered in HTML instead": { kind: "status", status: 503, body: "html", when: "before" },
};

const TIMEOUT_MS = 180_000;

describe("a write whose answer is lost", () => {
  it.each(STEPS)(
    "leaves no twin and no gap, whichever write it is and however the answer is lost: $name",
    async (step) => expect(await endure(step, LOST)).toEqual([]),
    TIMEOUT_MS,
  );
});

describe("a write that fails before it takes effect", () => {
  it.each(STEPS)(
    "is made up for, whichever write it is and however it fails: $name",
    async (step) => expect(await endure(step, NEVER_SENT)).toEqual([]),
    TIMEOUT_MS,
  );
});

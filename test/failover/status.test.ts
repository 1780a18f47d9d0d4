import { describe, expect, it } from "vitest";
import type { Stage } from "../../src/failover/failover.ts";
import type { ProbeResult, Sample } from "../../src/failover/results.ts";
import { deriveServing, newStatus } from "../../src/failover/status.ts";
import { aFailover } from "./builders.ts";

const answered = (body: string): ProbeResult => ({
  ok: true,
  status: 200,
  latencyMs: 5,
  failure: null,
  detail: null,
  traits: { body },
  way: "fetch",
});

function aSample(hostname: ProbeResult | null, asked?: string): Sample {
  const sample = {
    failoverId: "fo_1",
    tick: 0,
    primary: answered("aaaa"),
    secondary: answered("bbbb"),
    hostname,
  };
  return asked === undefined ? sample : { ...sample, asked };
}

function serving(stage: Stage, ...samples: Sample[]) {
  return deriveServing(aFailover({ stage }), newStatus("as wanted"), samples);
}

const TEST_HOSTNAME = "lb-shop.example.com";
const HOSTNAME = "www.example.com";

describe("who serves", () => {
  it.each<[why: string, stage: Stage, samples: Sample[], expected: string]>([
    ["nobody in draft", "draft", [aSample(answered("aaaa"), TEST_HOSTNAME)], "none"],
    [
      "the one that the hostname's answer is like",
      "production",
      [aSample(answered("bbbb"), HOSTNAME)],
      "secondary",
    ],
    [
      "the same, where a sample doesn't say which hostname",
      "production",
      [aSample(answered("bbbb"))],
      "secondary",
    ],
    ["not known before the first look", "testing", [], "unknown"],
    ["not known while only the draft was looked at", "testing", [aSample(null)], "unknown"],
    [
      "not known while only the test hostname was",
      "production",
      [aSample(answered("aaaa"), TEST_HOSTNAME)],
      "unknown",
    ],
    ["not known after a demotion", "testing", [aSample(answered("aaaa"), HOSTNAME)], "unknown"],
  ])("is %s", (_why, stage, samples, expected) => {
    expect(serving(stage, ...samples).serving).toBe(expected);
  });

  it("names the hostname that was not looked at yet", () => {
    const { detail } = serving("production", aSample(answered("aaaa"), TEST_HOSTNAME));
    expect(detail).toBe("www.example.com was not looked at yet");
  });
});

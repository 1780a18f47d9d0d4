// One probe: the way, the hops and the deadline. It never throws, and it gives no verdict.
import type { ProbeResult } from "../failover/results.ts";
import type { Traits } from "../failover/serving.ts";
import { askerOf, redactorOf, wayTo, type AskingPorts } from "./asking.ts";
import { withDeadline } from "./deadline.ts";
import { follow } from "./follow.ts";
import type { Answer } from "./http1.ts";
import { faultOf, judge, tooLate, type Fault } from "./judge.ts";
import type { ProbeTarget } from "./targets.ts";
import { traitsOf } from "./traits.ts";
import { urlAt } from "./ways.ts";

export interface ProberPorts extends AskingPorts {
  /** Milliseconds; only differences are used. */
  readonly clock: { now(): number };
}

export interface Prober {
  probeEndpoint(target: ProbeTarget): Promise<ProbeResult>;
}

interface Outcome {
  readonly answer: Answer | null;
  readonly fault: Fault | null;
  readonly traits: Traits;
}

export function createProber(ports: ProberPorts): Prober {
  const { clock } = ports;
  const redacted = redactorOf(ports);

  async function probe(target: ProbeTarget, signal: AbortSignal): Promise<Outcome> {
    try {
      const ask = askerOf(target, ports);
      const start = urlAt(target.host, target);
      const { answer, fault } = await follow(start, (url) => ask(url, signal), target.followRedirects);
      return {
        answer,
        fault: fault ?? judge(target, answer, wayTo(target, ports)),
        traits: await traitsOf(answer, target.markers),
      };
    } catch (thrown) {
      return { answer: null, fault: faultOf(thrown, target), traits: {} };
    }
  }

  async function probeEndpoint(target: ProbeTarget): Promise<ProbeResult> {
    const startedAt = clock.now();
    const { answer, fault, traits } = await withDeadline<Outcome>(
      target.timeoutMs,
      (signal) => probe(target, signal),
      () => ({ answer: null, fault: tooLate(target.timeoutMs), traits: {} }),
    );
    const latencyMs = Math.max(0, Math.round(clock.now() - startedAt));
    return {
      ok: fault === null,
      status: answer?.status ?? null,
      latencyMs: answer === null ? null : latencyMs,
      failure: fault?.failure ?? null,
      detail: fault === null ? null : redacted(fault.detail),
      traits: Object.fromEntries(Object.entries(traits).map(([name, value]) => [name, redacted(value)])),
      way: wayTo(target, ports),
    };
  }

  return { probeEndpoint };
}

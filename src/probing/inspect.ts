// A closer look at one endpoint than a probe takes: every hop of the way, more of the body, a path that can't exist, and
// what its address resolves to. What failed is in the probe's own words; it never throws, and it gives no verdict.
import type { Asked, InspectedHop, Inspection } from "../failover/preflight/facts.ts";
import type { EndpointMarker } from "../failover/serving.ts";
import { askerOf, redactorOf, wayTo, type AskingPorts } from "./asking.ts";
import { buildOf } from "./build.ts";
import { withDeadline } from "./deadline.ts";
import { follow, MOST_REDIRECTS, nextAt, withoutQuery, type Visit } from "./follow.ts";
import { BODY_LIMIT, type Answer } from "./http1.ts";
import { faultOf, judge, obstructed, tooLate, type Fault } from "./judge.ts";
import { createResolve } from "./resolve.ts";
import type { ProbeTarget } from "./targets.ts";
import { carries, textOf, traitsOf } from "./traits.ts";
import { urlAt } from "./ways.ts";

export interface InspectorPorts extends AskingPorts {
  /** Letters and digits that nobody has as a path. */
  random(): string;
}

export interface Inspector {
  /** `own` is the marker that the spec gives this endpoint. */
  inspect(target: ProbeTarget, own: EndpointMarker | undefined): Promise<Inspection>;
}

/** How much of a body is searched for a text that a probe didn't find, in bytes. */
const DEEP_BODY_LIMIT = 256 * 1024;
/** The probe's own requests, those that go further, and the path that can't exist. */
const PATIENCE = 3;

/** Filled in as answers come, so that the deadline loses no more than what is missing. */
interface Seen {
  readonly visits: Visit[];
  /** What the probe would say. */
  fault: Fault | null;
  /** What a probe would judge; null where no answer came to that. */
  judged: Answer | null;
  /** That, or the same page read more deeply: where the expected text is searched. */
  searched: Answer | null;
  /** The last answer, also after redirects that the monitor doesn't follow, or the same page read more deeply. */
  page: Answer | null;
  absent: Answer | null;
}

/** Where the text begins, in bytes, without regard to case as the judge searches; null where it isn't. */
function positionOf(expected: string, body: Uint8Array): number | null {
  if (expected === "") return null;
  // In Latin-1 a character is a byte, whatever encoding the page is in.
  const isAscii = /^[\x20-\x7e]+$/.test(expected);
  const text = isAscii ? new TextDecoder("latin1").decode(body) : textOf(body);
  const at = text.toLowerCase().indexOf(expected.toLowerCase());
  if (at < 0) return null;
  return isAscii ? at : new TextEncoder().encode(text.slice(0, at)).length;
}

/** Where the monitor's redirects are not followed but a visitor would be led on; null where that is nowhere. */
function further({ answer, url, redirect }: Visit): URL | null {
  if (redirect === null || obstructed(answer) !== null) return null;
  const next = nextAt(redirect, url);
  return next instanceof URL ? next : null;
}

/** True where the probe's answer can't show what the page holds: HEAD has no body, and a long body was cut. */
function isShallow(target: ProbeTarget, { body }: Answer): boolean {
  if (target.method === "HEAD") return true;
  const isMissing = target.expectedBody !== "" && positionOf(target.expectedBody, body) === null;
  return isMissing && body.length >= BODY_LIMIT;
}

export function createInspector(ports: InspectorPorts): Inspector {
  const redacted = redactorOf(ports);
  const resolve = createResolve(ports);

  /** Exactly what a probe does, with every answer noted. */
  async function probe(target: ProbeTarget, seen: Seen): Promise<void> {
    seen.fault = await withDeadline<Fault | null>(
      target.timeoutMs,
      async (signal) => {
        try {
          const ask = askerOf(target, ports);
          const { answer, fault } = await follow(
            urlAt(target.host, target),
            (url) => ask(url, signal),
            target.followRedirects,
            (visit) => {
              if (!signal.aborted) seen.visits.push(visit);
            },
          );
          if (!signal.aborted) seen.judged = answer;
          return fault ?? judge(target, answer, wayTo(target, ports));
        } catch (thrown) {
          return faultOf(thrown, target);
        }
      },
      () => tooLate(target.timeoutMs),
    );
  }

  async function lookFurther(target: ProbeTarget, seen: Seen, signal: AbortSignal): Promise<void> {
    const ask = askerOf(target, ports);
    const onward = seen.visits.at(-1);
    const next = target.followRedirects || onward === undefined ? null : further(onward);
    if (next !== null) {
      const visited = (visit: Visit) => {
        seen.visits.push(visit);
        seen.page = visit.answer;
      };
      await follow(next, (url) => ask(url, signal), true, visited, MOST_REDIRECTS - 1);
    }
    const last = seen.visits.at(-1);
    if (last === undefined || last.redirect !== null || obstructed(last.answer) !== null) return;
    const page = askerOf({ ...target, method: "GET" }, ports);
    const isDeep = isShallow(target, last.answer);
    const limit = isDeep ? DEEP_BODY_LIMIT : BODY_LIMIT;
    if (isDeep) {
      const deeper = await page(last.url, signal, limit);
      if (deeper.status === last.answer.status) {
        seen.page = deeper;
        if (last.answer === seen.judged) seen.searched = deeper;
      }
    }
    const nowhere = urlAt(target.host, {
      ...target,
      path: `/${encodeURIComponent(ports.random())}-understudy-preflight`,
    });
    const { answer } = await follow(nowhere, (url) => page(url, signal, limit), true);
    seen.absent = answer;
  }

  async function look(target: ProbeTarget, seen: Seen, signal: AbortSignal): Promise<void> {
    await probe(target, seen);
    if (seen.judged === null) return;
    seen.searched = seen.judged;
    seen.page = seen.judged;
    try {
      await lookFurther(target, seen, signal);
    } catch {
      // What is missing then stays null; what failed has been said by the probe.
    }
  }

  function hopOf({ url, answer, redirect }: Visit): InspectedHop {
    const to = redirect === null ? null : redirect.to === null ? "(no URL)" : withoutQuery(redirect.to);
    return {
      url: redacted(withoutQuery(url)),
      status: answer.status,
      location: to === null ? null : redacted(to),
    };
  }

  async function told(
    target: ProbeTarget,
    own: EndpointMarker | undefined,
    seen: Seen,
    addresses: Inspection["addresses"],
  ): Promise<Inspection> {
    const { visits, fault, judged, searched, absent } = seen;
    const page = seen.page ?? visits.at(-1)?.answer ?? null;
    const traits = page === null ? {} : await traitsOf(page, {});
    const build = page === null ? null : buildOf(page);
    const body = traits["body"] ?? null;
    return {
      hops: visits.map(hopOf),
      failure: fault?.failure ?? null,
      detail: fault === null ? null : redacted(fault.detail),
      status: visits.at(-1)?.answer.status ?? null,
      title: traits["title"] === undefined ? null : redacted(traits["title"]),
      markerFound: own === undefined || judged === null ? null : carries(judged, textOf(judged.body), own),
      build: build === null ? null : redacted(build),
      body,
      expectedBodyAt: searched === null ? null : positionOf(target.expectedBody, searched.body),
      absentPath:
        absent === null
          ? null
          : {
              status: absent.status,
              sameBody: (await traitsOf(absent, {}))["body"] === body,
            },
      addresses,
    };
  }

  async function inspect(target: ProbeTarget, own: EndpointMarker | undefined): Promise<Inspection> {
    const seen: Seen = {
      visits: [],
      fault: tooLate(target.timeoutMs),
      judged: null,
      searched: null,
      page: null,
      absent: null,
    };
    const patienceMs = PATIENCE * target.timeoutMs;
    const [, addresses] = await Promise.all([
      withDeadline<void>(
        patienceMs,
        (signal) => look(target, seen, signal),
        () => undefined,
      ),
      withDeadline<Asked<readonly string[]>>(
        patienceMs,
        () => resolve(target.address),
        () => ({
          state: "unreadable",
          why: `what ${target.address} resolves to could not be read within ${patienceMs / 1000} seconds`,
        }),
      ),
    ]);
    return told(target, own, seen, addresses);
  }

  return { inspect };
}

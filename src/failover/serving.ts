// Decides which endpoint answers for the hostname, by what tells their answers apart. As seen from one place.
import type { Endpoint } from "./complete.ts";
import { otherSide, SIDES, type Side } from "./failover.ts";
import type { ProbeResult, Sample, Serving } from "./results.ts";

export type EndpointMarker = NonNullable<Endpoint["marker"]>;
export type Markers = { readonly [side in Side]?: EndpointMarker | undefined };
export type Traits = ProbeResult["traits"];

/**
 * The names of traits that the prober gives and this file reads:
 * `marker`: whose marker the answer carries, `primary`, `secondary` or `both`; `edge_error`: the code of an error page of
 * Cloudflare's edge, such as 1016; `body`: a hash of a body that isn't empty; the others are what their names say.
 */
export const STRONG_TRAITS = ["body", "etag", "title"] as const;
/** Headers that many servers share: they decide only together, and only where the answer is a good one. */
export const WEAK_TRAITS = [
  "last-modified",
  "content-type",
  "x-powered-by",
  "x-generator",
  "server",
] as const;

export interface ServingView {
  readonly serving: Serving;
  /** One sentence for a person. */
  readonly detail: string;
  /** False where the two endpoints' answers don't differ, or one of them is not known. */
  readonly distinguishable: boolean;
}

/** What is known of one endpoint's own answers; the status is null where they are remembered. */
interface Known {
  readonly traits: Traits;
  readonly status: number | null;
}
type Pair = { readonly [side in Side]: Known | null };

/** Cloudflare's error codes that mean "nothing behind this name"; others, such as 1020, only refuse the one who asks. */
const NOTHING_BEHIND: ReadonlySet<string> = new Set([
  "1000",
  "1001",
  "1002",
  "1004",
  "1014",
  "1016",
  "1018",
  "1033",
]);

/** Answers that come from something in front of the endpoints, or from the past. */
const SAYS_NOTHING: ReadonlySet<ProbeResult["failure"]> = new Set([
  "challenged",
  "cached",
  "blocked",
  "timeout",
] as const);

function isEdgeError(status: number | null): boolean {
  return status !== null && ((status >= 520 && status <= 527) || status === 530);
}

/** A refusal meant for us (a login, a challenge, a rate limit) doesn't show what the endpoint gives to Cloudflare. */
export function showsItsContent(result: ProbeResult): boolean {
  if (result.ok) return true;
  if (result.failure === "challenged" || result.failure === "blocked" || result.failure === "cached")
    return false;
  if (result.status === null || isEdgeError(result.status)) return false;
  return ![401, 403, 407, 429].includes(result.status);
}

/** Each side's traits in its latest good answer: what it looked like, for the time when it no longer answers us. */
export function rememberTraits(samples: readonly Sample[]): { readonly [side in Side]?: Traits } {
  const inOrder = samples.toSorted((a, b) => a.tick - b.tick);
  const last = (side: Side) => inOrder.findLast((sample) => sample[side].ok)?.[side].traits;
  const [primary, secondary] = [last("primary"), last("secondary")];
  return { ...(primary === undefined ? {} : { primary }), ...(secondary === undefined ? {} : { secondary }) };
}

/** Cloudflare weakens an etag where it changes the answer's encoding, and some servers add the encoding to it. */
function canonicalTrait(name: string, value: string): string {
  return name === "etag" ? value.replace(/^W\//, "").replace(/-(gzip|br|zstd|deflate)(?="?$)/, "") : value;
}

function traitOf(known: { readonly traits: Traits } | null, name: string): string | null {
  const value = known?.traits[name];
  return value === undefined || value === "" ? null : canonicalTrait(name, value);
}

function differs(pair: Pair, name: string): boolean {
  return traitOf(pair.primary, name) !== traitOf(pair.secondary, name);
}

/** The one side that has the hostname's value of this trait; null where both have it or neither. */
function agreeing(pair: Pair, hostname: ProbeResult, name: string): Side | null {
  const value = traitOf(hostname, name);
  if (value === null || !differs(pair, name)) return null;
  return SIDES.find((side) => traitOf(pair[side], name) === value) ?? null;
}

/** True where this side's answers carry its marker and the other's don't. */
function isMarked(pair: Pair, side: Side): boolean {
  const other = pair[otherSide(side)]?.traits["marker"];
  return pair[side]?.traits["marker"] === side && other !== side && other !== "both";
}

/** The hostname's marker, unless both endpoints are known to carry it. */
function markedAs(pair: Pair, hostname: ProbeResult): Side | null {
  const marker = hostname.traits["marker"];
  if (marker !== "primary" && marker !== "secondary") return null;
  const other = pair[otherSide(marker)]?.traits["marker"];
  return other === marker || other === "both" ? null : marker;
}

interface Decision {
  readonly side: Side | null;
  readonly why: string;
}

function decideByTraits(pair: Pair, hostname: ProbeResult): Decision {
  for (const name of STRONG_TRAITS) {
    const side = agreeing(pair, hostname, name);
    if (side === null) continue;
    if (hostname.ok) return { side, why: `the answer's ${name} is the ${side}'s` };
    // An error page identifies only the one endpoint that gives us the same page with the same status.
    if (name === "body" && hostname.status !== null && pair[side]?.status === hostname.status) {
      return { side, why: `the answer is the ${side}'s own error page (status ${hostname.status})` };
    }
  }
  if (!hostname.ok) return { side: null, why: `the answer is not a good one (${describe(hostname)})` };
  const votes = WEAK_TRAITS.map((name) => ({ name, side: agreeing(pair, hostname, name) }));
  const [first, ...rest] = votes.filter((vote) => vote.side !== null);
  if (first === undefined) return { side: null, why: "the answer is like neither endpoint's" };
  const contrary = rest.find((vote) => vote.side !== first.side);
  if (contrary === undefined)
    return { side: first.side, why: `the answer's ${first.name} is the ${first.side}'s` };
  return {
    side: null,
    why: `the answer's ${first.name} is the ${first.side}'s, its ${contrary.name} the ${contrary.side}'s`,
  };
}

function describe(result: ProbeResult): string {
  return (
    result.detail ?? result.failure ?? (result.status === null ? "no answer" : `status ${result.status}`)
  );
}

/** Nothing serves, or this one look can't say: the cases in which no comparison would help. */
function decideWithoutComparing(
  hostname: ProbeResult | null,
): Pick<ServingView, "serving" | "detail"> | null {
  if (hostname === null) return { serving: "unknown", detail: "the hostname was not looked at" };
  if (hostname.ok) return null;
  const edgeError = hostname.traits["edge_error"];
  if (isEdgeError(hostname.status) || (edgeError !== undefined && NOTHING_BEHIND.has(edgeError))) {
    const code = edgeError === undefined ? "" : ` (error ${edgeError})`;
    return {
      serving: "none",
      detail: `Cloudflare's edge answers ${hostname.status ?? "with an error"}${code}: no endpoint serves`,
    };
  }
  if (hostname.failure === "dns")
    return { serving: "none", detail: `the hostname does not resolve: ${describe(hostname)}` };
  if (hostname.status === null)
    return { serving: "unknown", detail: `the hostname gave no answer: ${describe(hostname)}` };
  if (SAYS_NOTHING.has(hostname.failure)) {
    return { serving: "unknown", detail: `the answer does not show who serves: ${describe(hostname)}` };
  }
  return null;
}

function tellApart(pair: Pair): boolean {
  if (SIDES.some((side) => isMarked(pair, side))) return true;
  const bothKnown = pair.primary !== null && pair.secondary !== null;
  return bothKnown && [...STRONG_TRAITS, ...WEAK_TRAITS].some((name) => differs(pair, name));
}

/** Why comparing can't help, and what a person can do about it; null where it can. */
function whyIncomparable(pair: Pair): string | null {
  const silent = SIDES.find((side) => pair[side] === null);
  if (silent !== undefined) {
    return `the ${silent} gave no answer of its own to compare with: give each endpoint a marker`;
  }
  return tellApart(pair)
    ? null
    : "indistinguishable: both endpoints answer alike; give each endpoint a marker";
}

/** An answer without the marker that an endpoint is known to set isn't from that endpoint. */
function decideByAbsentMarker(
  pair: Pair,
  markers: Markers,
  hostname: ProbeResult,
  byTraits: Decision,
): Decision | null {
  if (hostname.traits["marker"] !== undefined) return null;
  const [side, another] = SIDES.filter(
    (candidate) => markers[candidate] !== undefined && isMarked(pair, candidate),
  );
  if (side === undefined) return null;
  if (another !== undefined) return { side: null, why: "the answer carries neither endpoint's marker" };
  if (byTraits.side === side)
    return { side: null, why: `${byTraits.why}, but the ${side}'s marker is missing` };
  if (byTraits.side !== null) return byTraits;
  const lacking = `the answer lacks the ${side}'s marker`;
  if (!hostname.ok) return { side: null, why: `${lacking}, and is not a good one (${describe(hostname)})` };
  return { side: otherSide(side), why: `${lacking}, so it is the ${otherSide(side)}'s` };
}

function decide(pair: Pair, markers: Markers, hostname: ProbeResult): Decision {
  const marked = markedAs(pair, hostname);
  if (marked !== null) return { side: marked, why: `the answer carries the ${marked}'s marker` };
  const incomparable = whyIncomparable(pair);
  const byTraits = incomparable === null ? decideByTraits(pair, hostname) : { side: null, why: incomparable };
  return decideByAbsentMarker(pair, markers, hostname, byTraits) ?? byTraits;
}

/**
 * True where the hostname answers as the other endpoint does while this one is silent: twins can't be told apart, but
 * here is no sign that this one serves.
 */
function looksLikeTheOther(
  { primary, secondary, hostname }: Pick<Sample, "primary" | "secondary" | "hostname">,
  side: Side,
): boolean {
  const [silent, other] = side === "primary" ? [primary, secondary] : [secondary, primary];
  if (hostname?.ok !== true || showsItsContent(silent) || !showsItsContent(other)) return false;
  return STRONG_TRAITS.some((name) => {
    const value = traitOf(hostname, name);
    return value !== null && value === traitOf(other, name);
  });
}

/** So many observations in a row of the endpoint that should serve make a success. */
export const IN_A_ROW = 3;

/** True where the hostname answers well and nobody can say by which of the two, nor that it is the other one. */
export function cantBeTold(view: ServingView, sample: Sample, side: Side): boolean {
  return !view.distinguishable && sample.hostname?.ok === true && !looksLikeTheOther(sample, side);
}

/**
 * Who serves the hostname, by the marker that its answer carries, else by the strongest trait in which the endpoints
 * differ and the answer agrees with one of them. A trait in which it agrees with neither (content that changes with
 * every request, HTML that Cloudflare rewrites) says nothing. `remembered` stands in for an endpoint that gives us no
 * answer of its own: without it, a failover is recognised only by markers, because an endpoint may admit Cloudflare
 * and not us.
 */
export function identifyServing(
  sample: Pick<Sample, "primary" | "secondary" | "hostname">,
  markers: Markers,
  remembered: { readonly [side in Side]?: Traits } = {},
): ServingView {
  const known = (side: Side): Known | null => {
    const { ok, traits, status } = sample[side];
    const before = remembered[side];
    // What we get may not be what Cloudflare gets: a good answer is compared with good answers.
    const isBetterRemembered = !ok && sample.hostname?.ok === true && before !== undefined;
    if (showsItsContent(sample[side]) && !isBetterRemembered) return { traits, status };
    return before === undefined ? null : { traits: before, status: null };
  };
  const pair: Pair = { primary: known("primary"), secondary: known("secondary") };
  const distinguishable = tellApart(pair);
  const { hostname } = sample;
  if (hostname === null)
    return { serving: "unknown", detail: "the hostname was not looked at", distinguishable };
  const settled = decideWithoutComparing(hostname);
  if (settled !== null) return { ...settled, distinguishable };
  const { side, why } = decide(pair, markers, hostname);
  return { serving: side ?? "unknown", detail: why, distinguishable };
}

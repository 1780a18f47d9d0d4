// Verifies an export of the trail without the service: node scripts/verify-trail.ts events.jsonl [head]
// It shares no code with the service, so that it can be read, and trusted, by itself. docs/trail.md says what it checks.
import { readFileSync } from "node:fs";

type Line = Record<string, unknown> & { seq: number; hash: string | null; previous_hash: string | null };

export interface Verified {
  readonly lines: number;
  /** How many lines aren't sealed yet: of them nothing can be said. */
  readonly unsealed: number;
  /** How often others' events lie between two lines, as in an export of one failover. */
  readonly gaps: number;
  /** The hash of the last sealed line. */
  readonly last: string | null;
  /** What doesn't hold, in the order of the lines. */
  readonly faults: readonly string[];
}

/** RFC 8785, for what JSON.parse yields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function verifyLines(text: string): Promise<Verified> {
  const lines = text.split("\n").filter((line) => line !== "");
  const faults: string[] = [];
  let [unsealed, gaps, before] = [0, 0, null as (Line & { position?: unknown }) | null];
  for (const line of lines) {
    const event = JSON.parse(line) as Line;
    const { hash, ...sealed } = event;
    if (hash === null) {
      unsealed += 1;
      continue;
    }
    if ((await hashOf(canonical(sealed))) !== hash) faults.push(`${event.seq} isn't what was sealed`);
    const isNext = before !== null && Number(event["position"]) === Number(before.position) + 1;
    if (isNext && event.previous_hash !== before?.hash)
      faults.push(`${event.seq} doesn't follow ${before?.seq}`);
    if (before !== null && !isNext) gaps += 1;
    before = event;
  }
  return { lines: lines.length, unsealed, gaps, last: before?.hash ?? null, faults };
}

if (import.meta.main) {
  const [file = "", head] = process.argv.slice(2);
  const found = await verifyLines(readFileSync(file, "utf8"));
  console.log(JSON.stringify(found, null, 2));
  const isOther = head !== undefined && head !== found.last;
  if (isOther) console.log(`It doesn't end with the head that was kept: ${head}`);
  process.exitCode = found.faults.length > 0 || isOther ? 1 : 0;
}

// What a name resolves to publicly: asked of Cloudflare's resolver by DNS over HTTPS, because a Worker has no other DNS.
import { z } from "zod";
import { isAddressLiteral } from "../failover/addresses.ts";
import type { Asked } from "../failover/preflight/facts.ts";
import { normalizeAddress } from "../failover/spec.ts";
import { USER_AGENT } from "./asking.ts";
import { withDeadline } from "./deadline.ts";
import { messageOf } from "./failures.ts";
import type { Answer } from "./http1.ts";
import { textOf } from "./traits.ts";
import { askByEgress, askByFetch, type Fetch, type Hop } from "./ways.ts";

export interface ResolverPorts {
  readonly fetch: Fetch;
  /** A service that requests leave through, in the place of the global fetch. */
  readonly egress?: { readonly fetch: Fetch } | null | undefined;
}

export type Resolve = (name: string) => Promise<Asked<readonly string[]>>;

const RESOLVER = "cloudflare-dns.com";
const DEADLINE_MS = 5000;
const MOST_ANSWERS = 50;

/** RFC 1035 and 3596. An answer holds the aliases on the way (CNAME) too, and signatures where a zone has them. */
const TYPES = { A: 1, AAAA: 28 } as const;
type RecordType = keyof typeof TYPES;

const NO_ERROR = 0;
const NO_SUCH_NAME = 3;

const answerSchema = z.object({
  Status: z.int(),
  Answer: z
    .array(z.object({ type: z.int(), data: z.string().max(4096) }))
    .max(MOST_ANSWERS)
    .optional(),
});

function question(name: string, type: RecordType): Hop {
  return {
    scheme: "https",
    address: RESOLVER,
    port: 443,
    host: RESOLVER,
    method: "GET",
    path: `/dns-query?name=${encodeURIComponent(name)}&type=${type}`,
    headers: new Headers({ accept: "application/dns-json", "user-agent": USER_AGENT }),
  };
}

function unreadable(name: string, why: string): Asked<never> {
  return { state: "unreadable", why: `what ${name} resolves to could not be read: ${why}` };
}

/** Of one record type; an empty list is an answer too, and null one that the name doesn't exist. */
function read(answer: Answer, type: RecordType): readonly string[] | null {
  if (answer.status !== 200) throw new Error(`the resolver answered with status ${answer.status}`);
  let json: unknown;
  try {
    json = JSON.parse(textOf(answer.body));
  } catch {
    throw new Error("the resolver's answer is no JSON");
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw new Error("the resolver's answer is not as expected");
  const { Status: status, Answer: records = [] } = parsed.data;
  if (status === NO_SUCH_NAME) return null;
  if (status !== NO_ERROR) throw new Error(`the resolver answered with DNS error ${status}`);
  const found = records.filter((record) => record.type === TYPES[type]).map(({ data }) => data.trim());
  if (!found.every(isAddressLiteral)) throw new Error("the resolver's answer holds what is no address");
  return found.map(normalizeAddress);
}

/** Never throws. An IP address is its own answer, without a request. */
export function createResolve({ fetch, egress }: ResolverPorts, deadlineMs = DEADLINE_MS): Resolve {
  async function ask(name: string, type: RecordType, signal: AbortSignal) {
    const hop = question(name, type);
    const answer =
      egress === undefined || egress === null
        ? await askByFetch(fetch, hop, signal)
        : await askByEgress(egress, hop, signal);
    return read(answer, type);
  }

  async function resolved(name: string, signal: AbortSignal): Promise<Asked<readonly string[]>> {
    try {
      // Half an answer is none: what is wrong may be in the other half.
      const [a, aaaa] = await Promise.all([ask(name, "A", signal), ask(name, "AAAA", signal)]);
      if (a === null && aaaa === null)
        return { state: "missing", why: `${name} does not exist in the DNS (NXDOMAIN)` };
      const addresses = [...new Set([...(a ?? []), ...(aaaa ?? [])])];
      return addresses.length === 0
        ? { state: "missing", why: `${name} has no address in the DNS: neither an A nor an AAAA record` }
        : { state: "known", value: addresses };
    } catch (thrown) {
      return unreadable(name, messageOf(thrown));
    }
  }

  return async (name) => {
    const bare = name.replace(/^\[(.*)\]$/, "$1");
    if (isAddressLiteral(bare)) return { state: "known", value: [normalizeAddress(bare)] };
    return withDeadline<Asked<readonly string[]>>(
      deadlineMs,
      (signal) => resolved(name, signal),
      () => unreadable(name, `no answer within ${deadlineMs / 1000} seconds`),
    );
  };
}

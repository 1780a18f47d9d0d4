// Decides what Cloudflare means by refusing a write: its messages are terse and share a code (API-FACTS 3). They are no
// contract, so they are matched by a part of them, without regard to case; what fits nothing is left as it came.

interface Row {
  readonly words: RegExp;
  /** What it means and what to do, as one sentence. */
  readonly says: string;
}

const NOT_ENABLED =
  "Load Balancing is not enabled for this account: enable it in the dashboard under Traffic > Load Balancing";

/** Every form in which the absence of a subscription shows. */
const ABSENCE: readonly RegExp[] = [
  /length must be in range \[1, 0\]/i,
  /interval is not in range \[(0, 0|1, 1)\]/i,
  /load balancing not enabled/i,
  /creating or modifying pool\. access failed/i,
];

const ROWS: readonly Row[] = [
  {
    words: /interval is not in range/i,
    says: "the plan does not allow this monitor.interval: take one within the range that is named",
  },
  {
    words: /probing from every data cent/i,
    says: "the plan does not allow checks from every region: name one in check_regions",
  },
  {
    words: /origin list length/i,
    says: "the subscription allows no more endpoints: delete unused ones or raise its limit",
  },
  {
    words: /quota/i,
    says: "the subscription's limit is used up: delete what is not used any more, or raise it",
  },
  {
    words: /host header .* not allowed/i,
    says: "a Host must lie in a zone of the account, equal the endpoint's address, or resolve to it: correct host_header",
  },
  {
    words: /invalid hostname/i,
    says: "the name of a load balancer must be a full hostname inside of its zone: correct hostname or test_hostname",
  },
  {
    words: /not unique/i,
    says: "something else has this name: give the failover another name or hostname, or remove the other object",
  },
  {
    words: /referenced by other objects/i,
    says: "something else still uses it: release it there first",
  },
  {
    words: /origin address .* not allowed/i,
    says: "Cloudflare does not take this address for an endpoint: give the endpoint's own public hostname",
  },
  {
    words: /monitor groups not enabled/i,
    says: "monitor groups are for Enterprise",
  },
];

/** The sentence for a refusal that only an account without Load Balancing gives; null of any other. */
export function describeAbsence(refusal: string): string | null {
  return ABSENCE.some((words) => words.test(refusal)) ? NOT_ENABLED : null;
}

/** What a refusal means and what to do; null where Cloudflare's own words have to do. */
export function describeRefusal(refusal: string): string | null {
  return describeAbsence(refusal) ?? ROWS.find(({ words }) => words.test(refusal))?.says ?? null;
}

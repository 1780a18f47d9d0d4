// Follows redirects for as long as they stay at the endpoint.
import type { Answer } from "./http1.ts";
import { obstructed, type Fault } from "./judge.ts";

export const MOST_REDIRECTS = 5;

/** A redirect; `to` is null where its location is no URL. */
export interface Redirect {
  readonly to: URL | null;
}

export interface Visit {
  readonly url: URL;
  readonly answer: Answer;
  readonly redirect: Redirect | null;
}

export interface Followed {
  readonly answer: Answer;
  /** What ended the way before an answer that can be judged. */
  readonly fault: Fault | null;
}

function redirectOf(answer: Answer, from: URL): Redirect | null {
  const location = answer.headers.get("location");
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) return null;
  return { to: URL.parse(location, from.href) };
}

/** A URL as it may be told: its query may hold what only the endpoint should know. */
export function withoutQuery(url: URL): string {
  return `${url.origin === "null" ? url.protocol : url.origin}${url.pathname}`;
}

/** Where a redirect leads at the same endpoint; a fault where it leads away from it. */
export function nextAt({ to }: Redirect, from: URL): URL | Fault {
  if (to === null) return { failure: "redirect", detail: "redirects to what is no URL" };
  const isHttp = to.protocol === "http:" || to.protocol === "https:";
  if (isHttp && to.hostname === from.hostname) return to;
  return { failure: "redirect", detail: `redirect leaves the endpoint: ${withoutQuery(to)}` };
}

/** Asks from one URL on. Each answer is shown to `visited` as it comes. Throws what `ask` throws. */
export async function follow(
  start: URL,
  ask: (url: URL) => Promise<Answer>,
  follows: boolean,
  visited: (visit: Visit) => void = () => undefined,
  mostRedirects = MOST_REDIRECTS,
): Promise<Followed> {
  let url = start;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(url);
    const redirect = redirectOf(answer, url);
    visited({ url, answer, redirect });
    const obstacle = obstructed(answer);
    if (obstacle !== null) return { answer, fault: obstacle };
    if (!follows || redirect === null) return { answer, fault: null };
    const next = nextAt(redirect, url);
    if (!(next instanceof URL)) return { answer, fault: next };
    if (redirects === mostRedirects) {
      return { answer, fault: { failure: "redirect", detail: `more than ${mostRedirects} redirects` } };
    }
    url = next;
  }
}

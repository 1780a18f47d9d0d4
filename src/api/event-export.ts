// The trail of events as JSON lines, the oldest first: each line with its place in the hash chain, so that whoever has the
// lines can verify them without us.
import type { EventSelection, TrailPort } from "../actions/trail-port.ts";

/** One read of D1 and one piece of the answer. */
const PAGE = 500;

/** Reads no further than its reader does. A fault ends it as broken: half of an export must not pass for a whole. */
export function exportEvents(
  trail: Pick<TrailPort, "linksAfter">,
  after: number,
  selection: EventSelection & { readonly toSeq: number },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let seen = after;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { links, upTo } = await trail.linksAfter(seen, selection, PAGE);
          seen = upTo;
          const isLast = links.length < PAGE;
          const lines = links.map((link) => `${JSON.stringify(link)}\n`).join("");
          if (lines !== "") controller.enqueue(encoder.encode(lines));
          if (isLast) controller.close();
          if (isLast || lines !== "") return;
        }
      },
    },
    { highWaterMark: 0 },
  );
}

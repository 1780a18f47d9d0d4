// The trail of events as it grows, as server-sent events: each has its seq for an id, so that whoever was cut off goes on
// behind the last one that arrived.
import type { EventSelection, TrailPort } from "../actions/trail-port.ts";
import { presentEvent } from "./present.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;
const HEARTBEAT_MS = 15_000;
/** Then the client asks anew, and shows its token again. */
const LIFE_MS = 240_000;
/** Below the 50 subrequests of a request on the Free plan, of which the token takes its own. */
const MOST_READS = 40;
const PAGE = 100;
const RETRY_MS = 2_000;

export interface EventStreamDependencies {
  readonly trail: Pick<TrailPort, "eventsAfter">;
  readonly clock: { sleep(ms: number): Promise<void> };
  readonly log: (entry: object) => void;
}

type Told = Awaited<ReturnType<TrailPort["eventsAfter"]>>["events"][number];

function messageOf(event: Told): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(presentEvent(event))}\n\n`;
}

async function* messages(
  { trail, clock }: EventStreamDependencies,
  after: number,
  selection: EventSelection,
  isOver: () => boolean,
): AsyncGenerator<string, void> {
  // An id without data is remembered and not dispatched: also who never got an event goes on from here.
  yield `retry: ${RETRY_MS}\nid: ${after}\n\n`;
  let [seen, pauseMs, livedMs, quietMs] = [after, FIRST_PAUSE_MS, 0, 0];
  for (let reads = 0; reads < MOST_READS && livedMs < LIFE_MS && !isOver(); reads += 1) {
    const { events, upTo } = await trail.eventsAfter(seen, selection, PAGE);
    seen = upTo;
    if (events.length > 0) {
      yield events.map(messageOf).join("");
      [pauseMs, quietMs] = [FIRST_PAUSE_MS, 0];
      if (events.length === PAGE) continue;
    } else if (quietMs >= HEARTBEAT_MS) {
      yield `: nothing new\nid: ${seen}\n\n`;
      quietMs = 0;
    }
    await clock.sleep(pauseMs);
    livedMs += pauseMs;
    quietMs += pauseMs;
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
  }
}

/** Reads no further than its reader does, and nothing any more once that is gone. */
export function streamEvents(
  dependencies: EventStreamDependencies,
  after: number,
  selection: EventSelection,
): ReadableStream<Uint8Array> {
  let isOver = false;
  const told = messages(dependencies, after, selection, () => isOver);
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { value, done } = await told.next();
          if (isOver) return;
          if (done === true) controller.close();
          else controller.enqueue(encoder.encode(value));
        } catch (error) {
          // The client comes again, and goes on behind what it has.
          const message = "a stream of events was broken off";
          dependencies.log({ level: "error", message, error: String(error) });
          controller.close();
        }
      },
      cancel() {
        isOver = true;
      },
    },
    { highWaterMark: 0 },
  );
}

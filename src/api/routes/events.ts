import { createRoute, z } from "@hono/zod-openapi";
import type { ReaderPort } from "../../actions/reader-port.ts";
import type { Among } from "../../actions/reader-port.ts";
import { visibleTo } from "../authorization.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { streamEvents } from "../event-stream.ts";
import { pageQuerySchema, pageRequest, presentPage } from "../pagination.ts";
import { presentEvent } from "../present.ts";
import { problem } from "../problem.ts";
import { isFailoverId, noSuchFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { eventSchema, listSchema } from "../schemas.ts";
import { typesOf, typesQuerySchema } from "../trail-schema.ts";

const tags = ["Evidence"];
const querySchema = pageQuerySchema.extend(typesQuerySchema.shape);
const onePage = contract.answer("One page, or the stream.", listSchema(eventSchema, "EventList"));
const pageOrStream = {
  ...onePage,
  content: {
    ...onePage.content,
    "text/event-stream": {
      schema: z.string().meta({
        description: "Messages whose `id` is the event's `seq` and whose `data` is the event as in the list.",
        example: "id: 4711\ndata: {}\n\n",
      }),
    },
  },
};
const STREAM = `With \`Accept: text/event-stream\` they come as server-sent events as they happen: from now on, or
behind \`Last-Event-ID\` with nothing left out and nothing twice. The stream ends after some minutes; clients of the
standard come again by themselves.`;

const list = createRoute({
  method: "get",
  path: "/events",
  operationId: "listEvents",
  tags,
  summary: "List the events of all failovers, newest first",
  description: STREAM,
  parameters: [contract.requestIdParameter, contract.lastEventId],
  request: { query: querySchema },
  responses: { 200: pageOrStream, ...contract.problems("invalid") },
});

const listOfFailover = createRoute({
  method: "get",
  path: "/failovers/{id}/events",
  operationId: "listFailoverEvents",
  tags,
  summary: "List a failover's events, newest first",
  description: `They outlive the failover: after a delete they are found by its id. ${STREAM}`,
  parameters: [contract.requestIdParameter, contract.lastEventId],
  request: { params: contract.referenceSchema, query: querySchema },
  responses: { 200: pageOrStream, ...contract.problems("not-found", "invalid") },
});

/** The id of a failover that is or was; a name is given back when its failover is deleted, so that only an id remains. */
export async function failoverIdOf(reader: ReaderPort, reference: string): Promise<string> {
  const failover = await reader.findFailover(reference);
  if (failover !== null) return failover.id;
  if (!isFailoverId(reference)) throw noSuchFailover();
  const { items } = await reader.listEvents([reference], { limit: 1, cursor: null });
  if (items.length === 0) throw noSuchFailover();
  return reference;
}

/** From where a stream goes on; null from now on. */
function lastEventId(given: string | undefined): number | null {
  if (given === undefined || given === "") return null;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw problem("bad-request", "Last-Event-ID is not the id of an event of this stream.");
}

export function eventRoutes({ reader, trail, clock, log }: ApiDependencies) {
  async function answer(
    c: { req: { header(name: string): string | undefined } },
    among: Among,
    query: z.output<typeof querySchema>,
  ): Promise<Response> {
    const types = typesOf(query);
    if (!(c.req.header("accept") ?? "").includes("text/event-stream")) {
      const page = await reader.listEvents(among, pageRequest(query), types);
      return Response.json(presentPage(page, presentEvent));
    }
    const after = lastEventId(c.req.header("last-event-id")) ?? (await trail.newestSeq());
    return new Response(streamEvents({ trail, clock, log }, after, { among, types }), {
      headers: { "content-type": "text/event-stream; charset=utf-8" },
    });
  }
  return createRouter()
    .openapi(list, (c) => answer(c, visibleTo(c), c.req.valid("query")))
    .openapi(listOfFailover, async (c) =>
      answer(c, [await failoverIdOf(reader, c.req.valid("param").id)], c.req.valid("query")),
    );
}

import { createRoute } from "@hono/zod-openapi";
import type { z } from "@hono/zod-openapi";
import type { Among } from "../../actions/reader-port.ts";
import type { EventSelection } from "../../actions/trail-port.ts";
import { visibleTo } from "../authorization.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { exportEvents } from "../event-export.ts";
import { createRouter } from "../router.ts";
import {
  exportedEventSchema,
  exportQuerySchema,
  presentVerification,
  typesOf,
  verificationSchema,
  verifyQuerySchema,
} from "../trail-schema.ts";
import { failoverIdOf } from "./events.ts";

const tags = ["Evidence"];
const MOST_LINKS = 5_000;

const verify = createRoute({
  method: "get",
  path: "/audit/verify",
  operationId: "verifyTrail",
  tags,
  summary: "Verify the trail of events",
  description:
    "Follows the hash chain from the oldest event that is kept, and names the first link that doesn't hold. Who owns the database can write a new chain; that shows only against a head that was kept elsewhere.",
  parameters: [contract.requestIdParameter],
  request: { query: verifyQuerySchema },
  responses: { 200: contract.answer("What was found.", verificationSchema), ...contract.problems("invalid") },
});

const lines = {
  200: {
    description: "JSON lines: one event a line, the oldest first.",
    headers: contract.HEADERS.requestId,
    // Typed loosely: the name of this type ends as if an answer were one JSON value.
    content: { "application/x-ndjson": { schema: exportedEventSchema } } as Record<
      string,
      { schema: typeof exportedEventSchema }
    >,
  },
};

const exportAll = createRoute({
  method: "get",
  path: "/events/export",
  operationId: "exportEvents",
  tags,
  summary: "Export the events of all failovers",
  description: "With their places in the hash chain: docs/trail.md shows how to verify them offline.",
  parameters: [contract.requestIdParameter],
  request: { query: exportQuerySchema },
  responses: { ...lines, ...contract.problems("invalid") },
});

const exportOne = createRoute({
  method: "get",
  path: "/failovers/{id}/events/export",
  operationId: "exportFailoverEvents",
  tags,
  summary: "Export a failover's events",
  description:
    "As `GET /v1/events/export`; others' events lie between them, so that only each line verifies.",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema, query: exportQuerySchema },
  responses: { ...lines, ...contract.problems("not-found", "invalid") },
});

type ExportQuery = z.output<typeof exportQuerySchema>;

function selectionOf(among: Among, query: ExportQuery, newest: number): EventSelection & { toSeq: number } {
  return {
    among,
    types: typesOf(query),
    toSeq: Math.min(newest, query.to_seq === undefined ? newest : Number(query.to_seq)),
    ...(query.since === undefined ? {} : { since: Date.parse(query.since) }),
    ...(query.until === undefined ? {} : { until: Date.parse(query.until) }),
  };
}

export function trailRoutes({ trail, reader }: ApiDependencies) {
  async function answer(among: Among, query: ExportQuery): Promise<Response> {
    const selection = selectionOf(among, query, await trail.newestSeq());
    const after = query.from_seq === undefined ? 0 : Number(query.from_seq) - 1;
    return new Response(exportEvents(trail, after, selection), {
      headers: {
        "content-type": "application/x-ndjson; charset=utf-8",
        "content-disposition": 'attachment; filename="events.jsonl"',
      },
    });
  }
  return createRouter()
    .openapi(verify, async (c) => {
      const { cursor = null, limit } = c.req.valid("query");
      const found = await trail.verify(cursor, limit === undefined ? MOST_LINKS : Number(limit));
      return c.json(presentVerification(found), 200);
    })
    .openapi(exportAll, (c) => answer(visibleTo(c), c.req.valid("query")))
    .openapi(exportOne, async (c) =>
      answer([await failoverIdOf(reader, c.req.valid("param").id)], c.req.valid("query")),
    );
}

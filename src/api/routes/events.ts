import { createRoute } from "@hono/zod-openapi";
import type { ReaderPort } from "../../actions/reader-port.ts";
import { visibleTo } from "../authorization.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { pageQuerySchema, pageRequest, presentPage } from "../pagination.ts";
import { presentEvent } from "../present.ts";
import { isFailoverId, noSuchFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { eventSchema, listSchema } from "../schemas.ts";

const tags = ["Evidence"];
const onePage = contract.answer("One page.", listSchema(eventSchema, "EventList"));

const list = createRoute({
  method: "get",
  path: "/events",
  operationId: "listEvents",
  tags,
  summary: "List the events of all failovers, newest first",
  parameters: [contract.requestIdParameter],
  request: { query: pageQuerySchema },
  responses: { 200: onePage, ...contract.problems("invalid") },
});

const listOfFailover = createRoute({
  method: "get",
  path: "/failovers/{id}/events",
  operationId: "listFailoverEvents",
  tags,
  summary: "List a failover's events, newest first",
  description: "They outlive the failover: after a delete they are found by its id.",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema, query: pageQuerySchema },
  responses: { 200: onePage, ...contract.problems("not-found", "invalid") },
});

/** The id of a failover that is or was; a name is given back when its failover is deleted, so that only an id remains. */
async function failoverIdOf(reader: ReaderPort, reference: string): Promise<string> {
  const failover = await reader.findFailover(reference);
  if (failover !== null) return failover.id;
  if (!isFailoverId(reference)) throw noSuchFailover();
  const { items } = await reader.listEvents([reference], { limit: 1, cursor: null });
  if (items.length === 0) throw noSuchFailover();
  return reference;
}

export function eventRoutes({ reader }: ApiDependencies) {
  return createRouter()
    .openapi(list, async (c) => {
      const page = await reader.listEvents(visibleTo(c), pageRequest(c.req.valid("query")));
      return c.json(presentPage(page, presentEvent), 200);
    })
    .openapi(listOfFailover, async (c) => {
      const id = await failoverIdOf(reader, c.req.valid("param").id);
      const page = await reader.listEvents([id], pageRequest(c.req.valid("query")));
      return c.json(presentPage(page, presentEvent), 200);
    });
}

import { createRoute, z } from "@hono/zod-openapi";
import type { Channel } from "../../notifications/channel.ts";
import { originOf } from "../authentication.ts";
import { given } from "../bodies.ts";
import { readBody } from "../body.ts";
import {
  channelListSchema,
  channelPatchSchema,
  channelRequestSchema,
  channelSchema,
  deliverySchema,
  filterOf,
  newChannelSchema,
  presentChannel,
  presentDelivery,
  redeliveredSchema,
  redeliverySchema,
} from "../channel-schema.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { pageQuerySchema, pageRequest, presentPage } from "../pagination.ts";
import { problem, valueOf } from "../problem.ts";
import { createRouter } from "../router.ts";
import { listSchema } from "../schemas.ts";

const tags = ["Notifications"];
const bodyProblems = ["payload-too-large", "unsupported-media-type", "invalid"] as const;
const oneSchema = z.object({
  id: z.string().meta({ description: "The channel's id or its name.", example: "on-call" }),
});
const deliveryParams = oneSchema.extend({
  delivery: z.string().meta({ description: "The delivery's id.", example: "dl_9Kp2" }),
});
const posting = [contract.idempotencyKey, contract.requestIdParameter];

const create = createRoute({
  method: "post",
  path: "/",
  operationId: "createChannel",
  tags,
  summary: "Tell somebody of what happens",
  description:
    "From now on it hears of every event that fits its filter. A webhook's signing secret is shown this once. Needs the secret DATA_KEY.",
  parameters: posting,
  request: { body: contract.jsonBody("ChannelRequest") },
  responses: {
    201: contract.answer("Made.", newChannelSchema, contract.HEADERS.location),
    ...contract.problems("taken", "refused", ...bodyProblems),
  },
});

const list = createRoute({
  method: "get",
  path: "/",
  operationId: "listChannels",
  tags,
  summary: "List the channels, by name",
  parameters: [contract.requestIdParameter],
  responses: { 200: contract.answer("All of them.", channelListSchema), ...contract.problems() },
});

const get = createRoute({
  method: "get",
  path: "/{id}",
  operationId: "getChannel",
  tags,
  summary: "Get a channel, but for its secrets",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema },
  responses: { 200: contract.answer("The channel.", channelSchema), ...contract.problems("not-found") },
});

const patch = createRoute({
  method: "patch",
  path: "/{id}",
  operationId: "patchChannel",
  tags,
  summary: "Change a channel",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema, body: contract.jsonBody("ChannelPatch") },
  responses: {
    200: contract.answer("As it is now.", newChannelSchema),
    ...contract.problems("not-found", "taken", "refused", ...bodyProblems),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/{id}",
  operationId: "deleteChannel",
  tags,
  summary: "Delete a channel with all that waits for it",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema },
  responses: { 204: { description: "It is gone." }, ...contract.problems("not-found") },
});

const deliveries = createRoute({
  method: "get",
  path: "/{id}/deliveries",
  operationId: "listDeliveries",
  tags,
  summary: "List what was sent to a channel, newest first",
  description: "What has ended is kept for thirty days.",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema, query: pageQuerySchema },
  responses: {
    200: contract.answer("One page.", listSchema(deliverySchema, "DeliveryList")),
    ...contract.problems("not-found", "invalid"),
  },
});

const delivery = createRoute({
  method: "get",
  path: "/{id}/deliveries/{delivery}",
  operationId: "getDelivery",
  tags,
  summary: "Get one delivery",
  parameters: [contract.requestIdParameter],
  request: { params: deliveryParams },
  responses: { 200: contract.answer("The delivery.", deliverySchema), ...contract.problems("not-found") },
});

const redeliver = createRoute({
  method: "post",
  path: "/{id}/redeliver",
  operationId: "redeliver",
  tags,
  summary: "Send again what failed",
  description:
    "Under the same ids, so that a receiver can tell what it has. One delivery, or all that failed.",
  parameters: posting,
  request: { params: oneSchema, body: contract.jsonBody("RedeliveryRequest", { required: false }) },
  responses: {
    200: contract.answer("On their way.", redeliveredSchema),
    ...contract.problems("not-found", "refused", ...bodyProblems),
  },
});

const test = createRoute({
  method: "post",
  path: "/{id}/test",
  operationId: "testChannel",
  tags,
  summary: "Send a test message",
  description: "Whatever the filter says. What became of it is seen in the delivery.",
  parameters: posting,
  request: { params: oneSchema },
  responses: {
    202: contract.answer("On its way.", deliverySchema, contract.HEADERS.location),
    ...contract.problems("not-found", "refused"),
  },
});

export function channelRoutes({ coordinator, reader }: ApiDependencies) {
  async function findChannel(reference: string): Promise<Channel> {
    const channel = await reader.findChannel(reference);
    if (channel === null) throw problem("not-found", "There is no channel with this id or name.");
    return channel;
  }

  async function findDelivery(channelId: string, id: string) {
    const found = await reader.findDelivery(channelId, id);
    if (found === null) throw problem("not-found", "The channel has no delivery with this id.");
    return presentDelivery(found);
  }

  return createRouter()
    .openapi(create, async (c) => {
      const { name, type, url, secret, filter } = await readBody(c, channelRequestSchema);
      const asked = { name, type, ...given({ url, secret }) };
      const request = filter === undefined ? asked : { ...asked, filter: filterOf(filter) };
      const { channel, secret: made } = await once(c, (caller) => coordinator.createChannel(request, caller));
      c.header("Location", `/v1/channels/${channel.id}`);
      return c.json({ ...presentChannel(channel), secret: made }, 201);
    })
    .openapi(list, async (c) =>
      c.json({ items: (await reader.listChannels()).map(presentChannel), next_cursor: null }, 200),
    )
    .openapi(get, async (c) => c.json(presentChannel(await findChannel(c.req.valid("param").id)), 200))
    .openapi(patch, async (c) => {
      const { rotate_secret: rotateSecret, filter, ...rest } = await readBody(c, channelPatchSchema);
      const asked = { ...given(rest), ...given({ rotateSecret }) };
      const request = filter === undefined ? asked : { ...asked, filter: filterOf(filter) };
      const { id } = c.req.valid("param");
      const { channel, secret } = valueOf(await coordinator.patchChannel(id, request, originOf(c)));
      return c.json({ ...presentChannel(channel), secret }, 200);
    })
    .openapi(remove, async (c) => {
      valueOf(await coordinator.deleteChannel(c.req.valid("param").id, originOf(c)));
      return c.body(null, 204);
    })
    .openapi(deliveries, async (c) => {
      const { id } = await findChannel(c.req.valid("param").id);
      const page = await reader.listDeliveries(id, pageRequest(c.req.valid("query")));
      return c.json(presentPage(page, presentDelivery), 200);
    })
    .openapi(delivery, async (c) => {
      const { id, delivery: deliveryId } = c.req.valid("param");
      return c.json(await findDelivery((await findChannel(id)).id, deliveryId), 200);
    })
    .openapi(redeliver, async (c) => {
      const { delivery_id: deliveryId = null } = await readBody(c, redeliverySchema, { optional: true });
      return c.json(
        await once(c, (caller) => coordinator.redeliver(c.req.valid("param").id, deliveryId, caller)),
        200,
      );
    })
    .openapi(test, async (c) => {
      const { channelId, deliveryId } = await once(c, (caller) =>
        coordinator.testChannel(c.req.valid("param").id, caller),
      );
      c.header("Location", `/v1/channels/${channelId}/deliveries/${deliveryId}`);
      return c.json(await findDelivery(channelId, deliveryId), 202);
    });
}

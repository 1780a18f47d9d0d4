import { createRoute } from "@hono/zod-openapi";
import { originOf } from "../authentication.ts";
import { requireOverride, visibleTo } from "../authorization.ts";
import { brakeAgreementSchema, fleetFreezeSchema, fleetSwitchSchema, given } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { presentFleet, presentFleetSwitch, presentFreeze } from "../present.ts";
import { valueOf } from "../problem.ts";
import { createRouter } from "../router.ts";
import { agreementSchema, fleetSchema, fleetSwitchOverSchema, freezeSchema } from "../schemas.ts";

const tags = ["Fleet"];

const get = createRoute({
  method: "get",
  path: "/",
  operationId: "getFleet",
  tags,
  summary: "Count the failovers",
  parameters: [contract.requestIdParameter],
  responses: { 200: contract.answer("The counts.", fleetSchema), ...contract.problems() },
});

const freeze = createRoute({
  method: "post",
  path: "/freeze",
  operationId: "freezeFleet",
  tags,
  summary: "Let nothing move but what restores",
  description:
    "Promotions and switch-overs are refused by the guard `frozen`, and nothing is healed unasked. Leases end all the same. A fleet that is frozen already keeps its reason.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { body: contract.jsonBody("FleetFreeze") },
  responses: {
    200: contract.answer("The freeze.", freezeSchema),
    ...contract.problems("payload-too-large", "unsupported-media-type", "invalid"),
  },
});

const thaw = createRoute({
  method: "delete",
  path: "/freeze",
  operationId: "thawFleet",
  tags,
  summary: "End the freeze",
  parameters: [contract.requestIdParameter],
  responses: { 204: { description: "The fleet is not frozen." }, ...contract.problems() },
});

const agree = createRoute({
  method: "post",
  path: "/agree",
  operationId: "agreeToBrake",
  tags,
  summary: "Agree to what the brake holds back",
  description:
    "Where one tick would heal more than ten failovers and more than 30 % of the fleet, or create objects of more than two failovers again, nothing of that is written until a person agrees to exactly these plans.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { body: contract.jsonBody("BrakeAgreement") },
  responses: {
    200: contract.answer("Released.", agreementSchema),
    ...contract.problems("refused", "payload-too-large", "unsupported-media-type", "invalid"),
  },
});

const switchOver = createRoute({
  method: "post",
  path: "/switch-over",
  operationId: "switchFleet",
  tags,
  summary: "Switch over many failovers",
  description:
    "Without `confirm` it says what would become of each. Confirmed, each gets an operation of its own, a few at a time, judged when its turn comes.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { body: contract.jsonBody("FleetSwitchOver") },
  responses: {
    200: contract.answer("What would become of each.", fleetSwitchOverSchema),
    202: contract.answer("Accepted; each goes on by its own operation.", fleetSwitchOverSchema),
    ...contract.problems("payload-too-large", "unsupported-media-type", "invalid"),
  },
});

export function fleetRoutes(dependencies: ApiDependencies) {
  const { coordinator, reader } = dependencies;
  return createRouter()
    .openapi(get, async (c) => c.json(presentFleet(await reader.fleet(visibleTo(c))), 200))
    .openapi(freeze, async (c) => {
      const { reason } = await readBody(c, fleetFreezeSchema);
      return c.json(presentFreeze(await once(c, (caller) => coordinator.freeze(reason, caller))), 200);
    })
    .openapi(switchOver, async (c) => {
      const { selector, ...body } = await readBody(c, fleetSwitchSchema);
      await requireOverride(c, dependencies, body.override);
      const { names, name_pattern: namePattern, stage } = selector;
      const { expires_in_seconds: expiresInSeconds, override, reason, to, confirm = false } = body;
      const request = {
        ...given({ expiresInSeconds, override, reason }),
        to,
        confirm,
        selection: given({ names, namePattern, stage }),
      };
      const view = await once(c, (caller) => coordinator.switchFleet(request, caller));
      return c.json(presentFleetSwitch(view), view.dryRun ? 200 : 202);
    })
    .openapi(agree, async (c) => {
      const { brake_id: brakeId, reason } = await readBody(c, brakeAgreementSchema);
      return c.json(await once(c, (caller) => coordinator.agree({ brakeId, reason }, caller)), 200);
    })
    .openapi(thaw, async (c) => {
      valueOf(await coordinator.thaw(originOf(c)));
      return c.body(null, 204);
    });
}

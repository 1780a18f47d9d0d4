// The bodies that are asked for, by the names that they have in the document.
import {
  adoptionSchema,
  approvalSchema,
  brakeAgreementSchema,
  demotionSchema,
  drillAbortSchema,
  drillRequestSchema,
  failoverPatchSchema,
  fleetFreezeSchema,
  fleetSwitchSchema,
  importSchema,
  newFailoverSchema,
  pauseSchema,
  promotionSchema,
  reconciliationSchema,
  rejectionSchema,
  resumptionSchema,
  switchBackSchema,
  switchOverSchema,
} from "./bodies.ts";
import { channelPatchSchema, channelRequestSchema, redeliverySchema } from "./channel-schema.ts";
import { tokenRequestSchema } from "./token-schema.ts";
import { cloudflareAlertBody, deployHookBody } from "./webhook-schema.ts";

export const REQUEST_BODIES = {
  NewFailover: newFailoverSchema,
  FailoverPatch: failoverPatchSchema,
  Promotion: promotionSchema,
  Demotion: demotionSchema,
  Adoption: adoptionSchema,
  SwitchOver: switchOverSchema,
  SwitchBack: switchBackSchema,
  Pause: pauseSchema,
  Resumption: resumptionSchema,
  DrillRequest: drillRequestSchema,
  DrillAbort: drillAbortSchema,
  Approval: approvalSchema,
  Rejection: rejectionSchema,
  FleetFreeze: fleetFreezeSchema,
  FleetSwitchOver: fleetSwitchSchema,
  BrakeAgreement: brakeAgreementSchema,
  ChannelRequest: channelRequestSchema,
  ChannelPatch: channelPatchSchema,
  RedeliveryRequest: redeliverySchema,
  Import: importSchema,
  Reconciliation: reconciliationSchema,
  TokenRequest: tokenRequestSchema,
  DeployHook: deployHookBody,
  CloudflareAlert: cloudflareAlertBody,
};

export type RequestBodyName = keyof typeof REQUEST_BODIES;

import { Hono } from "hono";
import type { CertificatePack, Zone } from "../objects.ts";
import { seesZone } from "../permissions.ts";
import type { State } from "../state.ts";
import { needs, ok, zoneOfCall, zoneScope, type CallEnv } from "./call.ts";
import { paged, visible, ZONE_PAGING } from "./paging.ts";
import { Refusal } from "./refusal.ts";

function presentZone(state: State, zone: Zone): Record<string, unknown> {
  return {
    id: zone.id,
    name: zone.name,
    status: zone.status,
    paused: zone.paused,
    type: zone.type,
    development_mode: 0,
    name_servers: zone.type === "full" ? ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"] : [],
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    created_on: zone.created_on,
    modified_on: zone.modified_on,
    activated_on: zone.status === "active" ? zone.created_on : null,
    account: zone.account ?? { id: state.account.id, name: state.account.name },
    owner: { id: null, type: "user", email: null },
    plan: { id: zone.plan, name: `${zone.plan} plan`, legacy_id: zone.plan },
    permissions: ["#zone:read", "#dns_records:read"],
    meta: { step: 2, custom_certificate_quota: 0, page_rule_quota: 20, phishing_detected: false },
  };
}

function presentPack(pack: CertificatePack): Record<string, unknown> {
  return {
    id: pack.id,
    type: pack.type,
    hosts: pack.hosts,
    status: pack.status,
    primary_certificate: pack.status === "active" ? pack.id : null,
    certificate_authority: "google",
    validation_method: "txt",
    validity_days: 90,
    certificates: [
      {
        id: pack.id,
        hosts: pack.hosts,
        status: pack.status,
        issuer: "GoogleTrustServices",
        expires_on: pack.expires_on,
      },
    ],
  };
}

export const zones = new Hono<CallEnv>()
  .get("/", needs("Zone Read"), (c) => {
    const { state } = c.env;
    const { name, status, "account.id": accountId } = c.req.query();
    const all = [...state.zones.values()].filter(
      (zone) =>
        seesZone(state.token, zone) &&
        (name === undefined || zone.name === name.toLowerCase()) &&
        (status === undefined || zone.status === status) &&
        (accountId === undefined || accountId === (zone.account ?? state.account).id),
    );
    return paged(
      c,
      all.map((zone) => presentZone(state, zone)),
      ZONE_PAGING,
    );
  })
  .get("/:zone", zoneScope, needs("Zone Read"), (c) => ok(c, presentZone(c.env.state, zoneOfCall(c))))
  .get("/:zone/subscription", zoneScope, needs("Billing Read"), (c) => {
    const { plan, id, name } = zoneOfCall(c);
    return ok(c, {
      id,
      zone: { id, name },
      rate_plan: { id: plan, public_name: `${plan} plan`, currency: "USD", scope: "zone" },
      state: "Paid",
      component_values: [],
    });
  })
  .get("/:zone/ssl/universal/settings", zoneScope, needs("SSL and Certificates Read"), (c) =>
    ok(c, { enabled: zoneOfCall(c).universalSsl }),
  )
  .get("/:zone/ssl/certificate_packs", zoneScope, needs("SSL and Certificates Read"), (c) => {
    // Without status=all only active packs are returned (API-FACTS 11.2).
    const zone = zoneOfCall(c);
    const everything = c.req.query("status") === "all";
    const packs = [...c.env.state.certificatePacks.values()].filter(
      (pack) => pack.zone_id === zone.id && (everything || pack.status === "active"),
    );
    const shown = visible(
      c,
      packs.map((pack) => presentPack(pack)),
    );
    return ok(c, shown, { page: 1, per_page: 20, count: shown.length, total_count: shown.length });
  })
  .get("/:zone/ssl/certificate_packs/quota", zoneScope, needs("SSL and Certificates Read"), (c) =>
    ok(c, { advanced: { allocated: 0, used: 0 } }),
  )
  .get("/:zone/ssl/certificate_packs/:pack", zoneScope, needs("SSL and Certificates Read"), (c) => {
    const pack = c.env.state.certificatePacks.get(c.req.param("pack"));
    if (pack === undefined || pack.zone_id !== zoneOfCall(c).id)
      throw new Refusal(404, 1408, "Certificate pack not found");
    return ok(c, presentPack(pack));
  });

// Checks of where an endpoint's requests go to, and under which Host.
import { addressProblem, CLOUDFLARE_CIDRS, isAddressLiteral, isInCidrs } from "../addresses.ts";
import type { Side } from "../failover.ts";
import { isInZone } from "../hostnames.ts";
import { areSameEndpoint } from "../spec-rules.ts";
import { fail, given, pass, unknown, warn, type Check } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import type { PreflightFacts } from "./facts.ts";

const isPagesName = (name: string): boolean => name.endsWith(".pages.dev");

function isCloudflares(address: string, ranges: readonly string[]): boolean {
  return isInCidrs(address, ranges) || isInCidrs(address, CLOUDFLARE_CIDRS);
}

/** Addresses that Cloudflare can't reach, as opposed to its own. */
function isUnreachable(address: string, ranges: readonly string[]): boolean {
  return !isCloudflares(address, ranges) && addressProblem(address) !== null;
}

/** What the name resolves to; empty where that isn't known. */
function resolved(facts: PreflightFacts, side: Side): readonly string[] {
  const addresses = facts.inspections[side]?.addresses;
  return addresses?.state === "known" ? addresses.value : [];
}

/** A Pages project, under whichever of its names. */
function isPages({ spec }: PreflightFacts, side: Side): boolean {
  return spec[side].pages_project !== undefined || isPagesName(spec[side].address ?? "");
}

export const ADDRESS_CHECKS: readonly Check[] = [
  {
    id: "endpoints-differ",
    asks: "Are primary and secondary two different endpoints?",
    worst: "fail",
    means: "an endpoint can't stand in for itself",
    remedy: "Set secondary.address or secondary.pages_project to another site than the primary's.",
    documentation: DOCUMENTATION.tutorial,
    judge: ({ spec }) => {
      const evidence = { primary: spec.primary.address, secondary: spec.secondary.address };
      return areSameEndpoint(spec)
        ? fail(`primary and secondary are the same endpoint, ${spec.primary.address ?? ""}`, evidence)
        : pass("primary and secondary are two endpoints", evidence);
    },
  },
  {
    id: "address-balanced",
    asks: "Is the endpoint's address another name than the balanced hostnames?",
    worst: "fail",
    means: "requests would go in circles",
    remedy:
      "Set {endpoint}.address to the name or IP address under which this endpoint alone answers; host_header can still ask it for the production hostname.",
    documentation: DOCUMENTATION.redirectLoops,
    judgeEndpoint: ({ spec }, side) => {
      const { address } = spec[side];
      const evidence = { address };
      return address !== null && (address === spec.hostname || address === spec.test_hostname)
        ? fail(`the ${side} endpoint's address ${address} is the load balancer's own hostname`, evidence)
        : pass(`the ${side} endpoint has an address of its own`, evidence);
    },
  },
  {
    id: "address-anycast",
    asks: "Is the endpoint's address none of Cloudflare's anycast addresses?",
    worst: "fail",
    means: "such an address can change at any time, and visitors get error 1000",
    remedy:
      "Set {endpoint}.address to the endpoint's own hostname; for a Pages project set {endpoint}.pages_project instead.",
    documentation: DOCUMENTATION.tutorial,
    judgeEndpoint: ({ spec, cloudflareRanges }, side) => {
      const { address } = spec[side];
      if (address === null || !isAddressLiteral(address)) return null;
      return isCloudflares(address, cloudflareRanges)
        ? fail(`the ${side} endpoint's address ${address} is one of Cloudflare's own (anycast)`, { address })
        : pass(`the ${side} endpoint's address ${address} is not Cloudflare's`, { address });
    },
  },
  {
    id: "endpoint-resolves",
    asks: "Does the endpoint's name resolve publicly?",
    worst: "fail",
    means: "neither health checks nor visitors' requests reach it",
    remedy: "Correct {endpoint}.address, or create a DNS record for that name.",
    documentation: DOCUMENTATION.errors,
    follows: ["pages-project", "pages-subdomain", "pages-custom-domain", "address-balanced"],
    judgeEndpoint: ({ spec, inspections }, side) => {
      const { address } = spec[side];
      const addresses = inspections[side]?.addresses;
      if (address === null || isAddressLiteral(address) || addresses === undefined) return null;
      if (addresses.state === "missing")
        return fail(`the ${side} endpoint's name ${address} does not resolve in the public DNS`, { address });
      return given(addresses, (found) =>
        pass(`the name ${address} resolves to ${found.slice(0, 3).join(", ")}`, {
          address,
          addresses: found,
        }),
      );
    },
  },
  {
    id: "address-public",
    asks: "Can the endpoint's address be reached from the public Internet?",
    worst: "fail",
    means: "Cloudflare can't reach it",
    remedy: "Set {endpoint}.address to a public IP address, or to a hostname that resolves to one.",
    documentation: DOCUMENTATION.pools,
    judgeEndpoint: (facts, side) => {
      const { address } = facts.spec[side];
      if (address === null) return null;
      const all = isAddressLiteral(address) ? [address] : resolved(facts, side);
      const bad = all.filter((one) => isUnreachable(one, facts.cloudflareRanges));
      const evidence = { address, addresses: all, unreachable: bad };
      if (all.length === 0) return unknown(`what ${address} resolves to is not known`, evidence);
      const [first] = bad;
      if (first === undefined) return pass(`the ${side} endpoint's address is public`, evidence);
      const why = addressProblem(first)?.split(",")[0] ?? "is not public";
      return fail(
        first === address
          ? `the ${side} endpoint's address ${first} ${why}`
          : `the ${side} endpoint's name ${address} resolves to ${first}, which ${why}`,
        evidence,
      );
    },
  },
  {
    id: "address-proxied",
    asks: "Does the endpoint's name lead to the endpoint itself, and not to Cloudflare's proxy?",
    worst: "fail",
    means: "Cloudflare does not check the health of such a name, and visitors get error 1000",
    remedy:
      "Set {endpoint}.address to a name whose DNS record is DNS only (grey cloud) and leads to the server itself, or to the server's IP address; for a Pages project set {endpoint}.pages_project.",
    documentation: DOCUMENTATION.proxyStatus,
    follows: ["address-balanced"],
    judgeEndpoint: (facts, side) => {
      const { address, host_header: host } = facts.spec[side];
      if (address === null || isAddressLiteral(address)) return null;
      if (isPages(facts, side))
        return pass(`the ${side} endpoint ${address} is a Pages site, which Cloudflare serves itself`, {
          address,
        });
      const records = facts.records.endpoints[side];
      const proxied = records?.state === "known" && records.value.some((record) => record.proxied);
      const inside = resolved(facts, side).filter((one) => isCloudflares(one, facts.cloudflareRanges));
      const evidence = { address, proxied_record: proxied, cloudflare_addresses: inside };
      if (proxied)
        return fail(`the DNS record of the ${side} endpoint ${address} is proxied by Cloudflare`, evidence);
      if (inside.length === 0) {
        return records?.state === "known" || resolved(facts, side).length > 0
          ? pass(`the name ${address} does not lead to Cloudflare's proxy`, evidence)
          : unknown(`what ${address} resolves to is not known`, evidence);
      }
      const found = `the ${side} endpoint's name ${address} resolves to addresses of Cloudflare's proxy (${inside.slice(0, 2).join(", ")})`;
      // A customer's hostname of another account answers to its own name (API-FACTS 13).
      const means =
        "it may be a site of another account, which answers to its own name; where it is one of this account, visitors get error 1000";
      return host === address ? { ...warn(found, evidence), means } : fail(found, evidence);
    },
  },
  {
    id: "pages-host-header",
    asks: "Is a Pages site asked for its own name?",
    worst: "fail",
    means:
      "Pages finds the site by the Host header alone, so health checks see a response code mismatch, and visitors get error 1000",
    remedy: "Leave {endpoint}.host_header out and name the project in {endpoint}.pages_project.",
    documentation: DOCUMENTATION.tutorial,
    judgeEndpoint: (facts, side) => {
      const { address, host_header: host } = facts.spec[side];
      if (address === null || !isPages(facts, side)) return null;
      const evidence = { address, host_header: host };
      if (host === address) return pass(`the ${side} endpoint is asked for its own name ${host}`, evidence);
      const remedy =
        facts.spec[side].pages_project === undefined
          ? `Set {endpoint}.host_header to ${address}, or give {endpoint}.pages_project in the place of the address.`
          : `Leave {endpoint}.host_header out, or set it to ${address}; for another name give {endpoint}.custom_domain.`;
      return fail(
        `the ${side} endpoint ${address} is a Pages site, but is asked for ${host ?? "whatever hostname the visitor asked for"}`,
        evidence,
        remedy,
      );
    },
  },
  {
    id: "host-header-set",
    asks: "Is it settled which Host header the endpoint gets?",
    worst: "warn",
    means:
      "it gets whatever hostname the visitor asked for, and health checks ask it for its address, so that they may see another site than visitors",
    remedy: "Set {endpoint}.host_header to the name that the endpoint answers to.",
    documentation: DOCUMENTATION.hostHeaders,
    follows: ["pages-host-header"],
    judgeEndpoint: ({ spec }, side) => {
      const { address, host_header: host } = spec[side];
      if (address === null) return null;
      const evidence = { address, host_header: host };
      return host === null
        ? warn(
            `the ${side} endpoint has no Host header of its own`,
            evidence,
            `Set {endpoint}.host_header to the name that the endpoint answers to, for instance ${spec.hostname}.`,
          )
        : pass(`the ${side} endpoint is asked for ${host}`, evidence);
    },
  },
  {
    id: "host-header-legal",
    asks: "Does Cloudflare allow the endpoint's Host header: in a zone of the account, the address itself, or resolving to it?",
    worst: "fail",
    means: "Cloudflare refuses the pool",
    remedy: "Set {endpoint}.host_header to the production hostname or to the endpoint's address.",
    documentation: DOCUMENTATION.hostHeaders,
    follows: ["pages-host-header", "zone-found", "hostnames-valid"],
    judgeEndpoint: (facts, side) => {
      const { address, host_header: host } = facts.spec[side];
      if (address === null || host === null) return null;
      const zones = [
        ...(facts.facts.zone === null ? [] : [facts.facts.zone.name]),
        ...(facts.zoneNames.state === "known" ? facts.zoneNames.value : []),
      ];
      const evidence = { address, host_header: host, zones };
      if (host === address) return pass(`the Host ${host} is the address itself`, evidence);
      const zone = zones.find((name) => isInZone(host, name));
      if (zone !== undefined) return pass(`the Host ${host} lies in the zone ${zone}`, evidence);
      if (facts.observed[side].state === "found")
        return pass(`Cloudflare took the Host ${host} for the pool that is in place`, evidence);
      const mine = isAddressLiteral(address) ? [address] : resolved(facts, side);
      const its = facts.hostAddresses[side];
      if (its?.state === "known" && its.value.some((one) => mine.includes(one)))
        return pass(`the Host ${host} resolves to the endpoint's address`, evidence);
      if (
        its === null ||
        (its.state !== "known" && its.state !== "missing") ||
        facts.zoneNames.state !== "known"
      )
        return unknown(`whether Cloudflare allows the Host ${host} could not be found out`, evidence);
      return fail(
        `the Host ${host} of the ${side} endpoint lies in no zone of the account, is not ${address} and does not resolve to it`,
        evidence,
        `Set {endpoint}.host_header to ${facts.spec.hostname} or ${address}.`,
      );
    },
  },
];

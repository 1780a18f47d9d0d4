// Checks of where an endpoint's requests go to, and under which Host.
import { addressProblem, CLOUDFLARE_CIDRS, isAddressLiteral, isInCidrs } from "../addresses.ts";
import type { Side } from "../failover.ts";
import { isInZone } from "../hostnames.ts";
import { areSameEndpoint } from "../spec-rules.ts";
import { fail, given, pass, unknown, warn, type Check } from "./check.ts";
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
    remedy: "Give the secondary another address or another Pages project.",
    documentation: "Use Cloudflare Pages as origin",
    judge: ({ spec }) => {
      const evidence = { primary: spec.primary.address, secondary: spec.secondary.address };
      return areSameEndpoint(spec)
        ? fail("primary and secondary are the same endpoint", evidence)
        : pass("primary and secondary are two endpoints", evidence);
    },
  },
  {
    id: "address-balanced",
    asks: "Is the endpoint's address another name than the balanced hostnames?",
    worst: "fail",
    means: "requests would go in circles",
    remedy: "Give the name or address under which this endpoint alone answers.",
    documentation: "Load Balancing FAQ",
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
    remedy: "Give the endpoint's hostname; for a Pages project give pages_project.",
    documentation: "Use Cloudflare Pages as origin",
    judgeEndpoint: ({ spec, cloudflareRanges }, side) => {
      const { address } = spec[side];
      if (address === null || !isAddressLiteral(address)) return null;
      return isCloudflares(address, cloudflareRanges)
        ? fail(`the ${side} endpoint's address ${address} is one of Cloudflare's`, { address })
        : pass(`the ${side} endpoint's address ${address} is not Cloudflare's`, { address });
    },
  },
  {
    id: "endpoint-resolves",
    asks: "Does the endpoint's name resolve publicly?",
    worst: "fail",
    means: "neither health checks nor visitors' requests reach it",
    remedy: "Correct the address, or create its DNS record.",
    documentation: "Common error codes",
    follows: ["pages-project"],
    judgeEndpoint: ({ spec, inspections }, side) => {
      const { address } = spec[side];
      const addresses = inspections[side]?.addresses;
      if (address === null || isAddressLiteral(address) || addresses === undefined) return null;
      if (addresses.state === "missing")
        return fail(`the ${side} endpoint's name ${address} does not resolve`, { address });
      return given(addresses, (found) =>
        pass(`${address} resolves to ${found.slice(0, 3).join(", ")}`, { address, addresses: found }),
      );
    },
  },
  {
    id: "address-public",
    asks: "Can the endpoint's address be reached from the public Internet?",
    worst: "fail",
    means: "Cloudflare can't reach it",
    remedy: "Give an address or hostname that is public.",
    documentation: "Pools",
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
    means: "Cloudflare does not check such a name, and visitors get error 1000",
    remedy:
      "Give a name that is DNS only (grey cloud) and leads to the server itself; for a Pages project give pages_project.",
    documentation: "Pools",
    follows: ["address-balanced"],
    judgeEndpoint: (facts, side) => {
      const { address, host_header: host } = facts.spec[side];
      if (address === null || isAddressLiteral(address)) return null;
      if (isPages(facts, side)) return pass(`${address} is a Pages site, which may be proxied`, { address });
      const records = facts.records.endpoints[side];
      const proxied = records?.state === "known" && records.value.some((record) => record.proxied);
      const inside = resolved(facts, side).filter((one) => isCloudflares(one, facts.cloudflareRanges));
      const evidence = { address, proxied_record: proxied, cloudflare_addresses: inside };
      if (proxied) return fail(`the DNS record of ${address} is proxied by Cloudflare`, evidence);
      if (inside.length === 0) {
        return records?.state === "known" || resolved(facts, side).length > 0
          ? pass(`${address} does not lead to Cloudflare's proxy`, evidence)
          : unknown(`what ${address} resolves to is not known`, evidence);
      }
      const found = `${address} resolves to Cloudflare's addresses (${inside.slice(0, 2).join(", ")})`;
      // A customer's hostname of another account answers to its own name (API-FACTS 13).
      return host === address ? warn(found, evidence) : fail(found, evidence);
    },
  },
  {
    id: "host-header-set",
    asks: "Does the endpoint get the Host header that it answers to?",
    worst: "fail",
    means:
      "a Pages site answers only to its own names (health checks see a response code mismatch, visitors error 1000), and other endpoints get whatever name the visitor asked for",
    remedy: "Set host_header to the name that the endpoint answers to.",
    documentation: "Override HTTP Host headers",
    follows: ["address-balanced"],
    judgeEndpoint: (facts, side) => {
      const { address, host_header: host } = facts.spec[side];
      if (address === null) return null;
      const evidence = { address, host_header: host };
      if (isPages(facts, side) && host !== address)
        return fail(
          `the ${side} endpoint ${address} is a Pages site and is asked for ${host ?? "whatever the visitor asked for"}`,
          evidence,
          `Leave host_header out with pages_project, or set it to ${address}.`,
        );
      if (host === null)
        return warn(
          `the ${side} endpoint gets the visitor's Host`,
          evidence,
          `Set host_header of the ${side} endpoint, for instance to ${facts.spec.hostname}.`,
        );
      return pass(`the ${side} endpoint is asked for ${host}`, evidence);
    },
  },
  {
    id: "host-header-legal",
    asks: "Does Cloudflare allow the endpoint's Host header: in a zone of the account, the address itself, or resolving to it?",
    worst: "fail",
    means: "Cloudflare refuses the pool",
    remedy: "Set host_header to the production hostname or to the endpoint's address.",
    documentation: "Override HTTP Host headers",
    follows: ["host-header-set", "zone-found", "hostnames-valid"],
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
        `Set host_header of the ${side} endpoint to ${facts.spec.hostname} or ${address}.`,
      );
    },
  },
];

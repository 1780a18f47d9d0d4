// Checks of the zone: the tutorial wants one that Cloudflare serves as primary DNS, active and not paused.
import { fail, given, pass, unknown, type Check } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";

export const ZONE_CHECKS: readonly Check[] = [
  {
    id: "zone-found",
    asks: "Does the hostname lie in a zone that the API token sees?",
    worst: "fail",
    means: "there is no zone in which its load balancer could be made",
    remedy:
      "Correct hostname, add its domain to the Cloudflare account, or include its zone in the API token's zone resources.",
    documentation: DOCUMENTATION.onboard,
    follows: ["token-valid", "token-permissions", "account-match"],
    judge: ({ spec, facts, zoneNames }) => {
      if (facts.zone !== null)
        return pass(`${spec.hostname} lies in the zone ${facts.zone.name}`, { zone: facts.zone.name });
      return given(zoneNames, (names) =>
        fail(
          `${spec.hostname} lies in no zone that the API token sees (it sees ${names.join(", ") || "none"})`,
          {
            zones: names,
          },
        ),
      );
    },
  },
  {
    id: "hostnames-valid",
    asks: "Do the production and the test hostname fit the zone and each other?",
    worst: "fail",
    means: "the load balancer could not be made there",
    remedy: "Correct hostname or test_hostname as the message says.",
    documentation: DOCUMENTATION.balancedNames,
    judge: ({ spec, hostnameErrors }) => {
      const evidence = { hostname: spec.hostname, test_hostname: spec.test_hostname };
      if (hostnameErrors.length === 0) return pass("both hostnames fit", evidence);
      const said = hostnameErrors.map(({ pointer, message }) => {
        const value = pointer === "/hostname" ? spec.hostname : (spec.test_hostname ?? "");
        return `${pointer.slice(1)} (${value}) ${message}`;
      });
      return fail(said.join("; "), { ...evidence, errors: hostnameErrors });
    },
  },
  {
    id: "zone-active",
    asks: "Is the zone active?",
    worst: "fail",
    means: "Cloudflare does not answer for its names yet",
    remedy:
      "At the domain's registrar set the nameservers that Cloudflare assigned to the zone (they stand on its overview page), and wait until it is active.",
    documentation: DOCUMENTATION.zoneStatus,
    judge: ({ zone }) =>
      given(zone, ({ name, status }) =>
        status === "active"
          ? pass(`the zone ${name} is active`, { status })
          : fail(`the zone ${name} is ${status === "" ? "of unknown status" : status}`, { status }),
      ),
  },
  {
    id: "zone-setup",
    asks: "Is Cloudflare the zone's primary DNS provider (full setup)?",
    worst: "fail",
    means:
      "load balancers and certificates work differently where Cloudflare is not the primary DNS provider, and this service is not made for that",
    remedy: "Change the zone to a full setup, or use a hostname of a zone that has one.",
    documentation: DOCUMENTATION.fullSetup,
    judge: ({ zone }) =>
      given(zone, ({ name, type }) => {
        if (type === "") return unknown(`Cloudflare does not say how ${name} is set up`, { type });
        return type === "full"
          ? pass(`the zone ${name} has a full setup`, { type })
          : fail(`the zone ${name} has a ${type} setup`, { type });
      }),
  },
  {
    id: "zone-paused",
    asks: "Is Cloudflare active on the zone, and not paused?",
    worst: "fail",
    means: "visitors go to the origin server directly, past Cloudflare's proxy and its certificates",
    remedy: "End the pause in the dashboard, on the zone's overview page under Advanced Actions.",
    documentation: DOCUMENTATION.pause,
    judge: ({ zone }) =>
      given(zone, ({ name, paused }) =>
        paused
          ? fail(`Cloudflare is paused on the zone ${name}`, { paused })
          : pass(`Cloudflare is not paused on the zone ${name}`, { paused }),
      ),
  },
];

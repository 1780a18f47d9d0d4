import { bareName, kindOfAddress } from "./addresses.ts";
import { resolve } from "./dns.ts";
import { askEdge } from "./edge.ts";
import { failed, fromCloudflare, type Ask, type Outcome } from "./exchange.ts";
import { askOrigin } from "./origin-server.ts";
import { askPages } from "./pages-server.ts";
import { chooseEndpoints } from "./steering.ts";
import type { State } from "./state.ts";

/** Connects to an address, asks it for a name, and says what comes back. */
export function connect(state: State, now: number, ask: Ask): Outcome {
  const named = { ...ask, host: bareName(ask.host) };
  if ((named.hops ?? 0) > 4) return fromCloudflare(403, "error code: 1000");
  const destination = resolve(state, named.address);
  switch (destination.kind) {
    case "origin": {
      const origin = state.origins.get(destination.address);
      return origin === undefined ? failed("dns") : askOrigin(origin, named);
    }
    case "pages":
      return askPages(state.pagesProjects.values(), named);
    case "edge":
      // Cloudflare's edge calling itself for an endpoint: Error 1000 (API-FACTS 5.2).
      if (named.from === "edge" && (named.hops ?? 0) > 0) {
        return fromCloudflare(403, "<title>DNS points to prohibited IP</title>error code: 1000");
      }
      return askEdge(state, now, named);
    case "unproxied-lb": {
      const [endpoint] = chooseEndpoints(state, destination.lb, named);
      if (endpoint === undefined) return failed("dns");
      return connect(state, now, { ...named, address: endpoint.origin.address, hops: (named.hops ?? 0) + 1 });
    }
    case "unknown":
      if (kindOfAddress(named.address) === "cloudflare") return askEdge(state, now, named);
      return failed(kindOfAddress(named.address) === "hostname" ? "dns" : "timeout");
    default:
      return destination satisfies never;
  }
}

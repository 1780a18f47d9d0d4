import { describe, expect, it } from "vitest";
import type { OriginFailure } from "../simulator/objects.ts";
import { setStage, SHOP } from "./stage.ts";

const FAILURES: readonly OriginFailure[] = [
  "refused",
  "timeout",
  "unreachable",
  "reset",
  "dns",
  "tls",
  "tls-name",
  "tls-handshake",
  "garbage",
];

describe("an endpoint that is dead", () => {
  it.each(FAILURES)(
    "by %s stops neither the tick nor the API, and is known for what it is",
    async (failure) => {
      const stage = setStage();
      // Only who asks by TLS meets its faults.
      await stage.ready({
        ...SHOP,
        monitor: { timeout: 1, ...(failure.startsWith("tls") ? { type: "https", port: 443 } : {}) },
      });
      const origin = stage.simulator.world.origin("origin.example.net");
      origin.failure = failure;
      await stage.minutes(4);
      const { status, body } = await stage.call("GET", "/v1/failovers/shop");
      expect(status).toBe(200);
      expect(body.status.sync).toBe("synced");
      expect(body.status.health.primary.verdict).toBe("unhealthy");
      expect(body.status.health.secondary.verdict).toBe("healthy");
      const probes = await stage.call("GET", "/v1/failovers/shop/probes");
      expect(probes.body.items[0].primary).toMatchObject({ ok: false });
      const promoted = await stage.call("POST", "/v1/failovers/shop/promote");
      expect(promoted.status).toBe(409);
      expect(promoted.body.refusals).toContainEqual(expect.objectContaining({ guard: "target-not-ready" }));
      origin.failure = undefined;
      await stage.minutes(5);
      expect((await stage.failover()).status.readiness).toBe("ready");
    },
  );
});

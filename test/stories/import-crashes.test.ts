import { describe, expect, it } from "vitest";
import { markerOf, ROLES } from "../../src/failover/marker.ts";
import { killDuring, setAdversity } from "./adversity.ts";
import { CLICKED, make, objectAt, setOldStage } from "./existing.ts";
import { installation } from "./ledger.ts";

/** Zones, three lists, three times who uses it, a project, four looks by id and four marks. */
const CALLS = 16;

describe("a Coordinator that falls over while it imports", () => {
  it.each(["before", "after"] as const)(
    "leaves nothing half done, at whichever call it happens: %s the call",
    async (when) => {
      const broken: string[] = [];
      let reached = 0;
      for (let nth = 1; nth <= 2 * CALLS; nth += 1) {
        const world = await setAdversity(setOldStage());
        await world.startAnew();
        const { stage } = world;
        const ids = await make(stage, CLICKED);
        const before = ROLES.map((role) => objectAt(stage, role, ids[role]));
        const outcome = await killDuring(stage, { nth }, when, () =>
          stage.call("POST", "/v1/import", { hostname: "www.example.com", name: "shop", confirm: true }),
        );
        if (outcome === "not reached") break;
        reached = nth;
        await stage.minutes(3);
        const { status, body } = await stage.call("GET", "/v1/failovers/shop");
        const short = status === 200 ? await installation() : "";
        const after = ROLES.map((role) => objectAt(stage, role, ids[role]));
        const wanted = before.map((object, index) => {
          const marker = markerOf(short, body.id, ROLES[index] ?? "monitor");
          const description = [object["description"], marker].filter(Boolean).join(" ");
          return status === 200 ? { ...object, description } : object;
        });
        if (JSON.stringify(after) !== JSON.stringify(wanted))
          broken.push(`call ${nth}: ${JSON.stringify(after)}`);
        if (status === 200 && body.status.sync !== "synced")
          broken.push(`call ${nth}: ${body.status.message}`);
        if (stage.simulator.world.visit("https://www.example.com/").status !== 200)
          broken.push(`call ${nth}: visitors are not served`);
      }
      expect(broken).toEqual([]);
      expect(reached).toBe(CALLS);
      console.log(`killed ${when} each of ${reached} calls of an import`);
    },
    120_000,
  );
});

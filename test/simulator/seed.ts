import type { World } from "./world.ts";

/** The world of the tutorial: a zone, a website behind it, and a Pages project that could stand in. */
export function seedExample(world: World): void {
  world.addZone({ name: "example.com", id: "20000000000000000000000000000001" });
  world.addOrigin({ address: "origin.example.net", title: "Primary" });
  world.addPagesProject({
    name: "shop",
    body: "<!doctype html><title>Secondary</title><p>pages project shop</p>",
  });
  world.addDnsRecord("example.com", {
    type: "CNAME",
    name: "www.example.com",
    content: "origin.example.net",
    proxied: true,
  });
}

import type { World } from "./world.ts";

/** The world of the tutorial: a zone, a website behind it, and a Pages project that could stand in. Neither answers every path. */
export function seedExample(world: World): void {
  world.addZone({ name: "example.com", id: "20000000000000000000000000000001" });
  world.addOrigin({
    address: "origin.example.net",
    title: "Primary",
    perPath: { "/health": { status: 200, body: "ok" } },
    notFound: { status: 404, body: "<!doctype html><title>Not found</title><p>no such page</p>" },
  });
  world.addPagesProject({
    name: "shop",
    body: "<!doctype html><title>Secondary</title><p>pages project shop</p>",
    spa: false,
    paths: ["/health"],
  });
  world.addDnsRecord("example.com", {
    type: "CNAME",
    name: "www.example.com",
    content: "origin.example.net",
    proxied: true,
  });
}

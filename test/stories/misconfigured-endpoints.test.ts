import { afterEach, vi } from "vitest";
import type { World } from "../simulator/simulator.ts";
import { saved, tell, unsaved, type Row } from "./misconfigurations.ts";

afterEach(() => {
  vi.useRealTimers();
});

const site = (world: World) => world.origin("origin.example.net");
const project = (world: World) => world.pagesProject("shop");
const primary = (more: object) => ({ primary: { address: "origin.example.net", marker: MARKED, ...more } });
const secondary = (more: object) => ({
  secondary: { pages_project: "shop", marker: { body: "pages project" }, ...more },
});
const MARKED = { body: "primary origin" };
const only = <T>(map: ReadonlyMap<string, T>): T => {
  const [first] = map.values();
  if (first === undefined) throw new Error("there is none");
  return first;
};
const poolOf = (world: World, side: "primary" | "secondary") => {
  const found = [...world.pools.values()].find(({ name }) => name === `shop-${side}`);
  if (found === undefined) throw new Error(`there is no pool shop-${side}`);
  return found;
};

const PAGES_UNSAVED: readonly Row[] = [
  [
    "there is no such Pages project",
    {
      spec: secondary({ pages_project: "shopp" }),
      checks: { "pages-project": "fail" },
      says: /"shopp"/,
      remedy: /secondary\.pages_project/,
    },
  ],
  [
    "a custom domain of the Pages project is still pending",
    {
      seed: (world) => world.addPagesDomain("shop", "pages.example.com", "pending"),
      spec: secondary({ custom_domain: "pages.example.com" }),
      checks: { "pages-custom-domain": "fail" },
      says: /pages\.example\.com.*pending/,
      remedy: /custom domain/i,
    },
  ],
  [
    "a custom domain of the Pages project was deactivated",
    {
      seed: (world) => world.addPagesDomain("shop", "pages.example.com", "deactivated"),
      spec: secondary({ custom_domain: "pages.example.com" }),
      checks: { "pages-custom-domain": "fail" },
      says: /pages\.example\.com.*deactivated/,
      remedy: /custom_domain/,
    },
  ],
  [
    "the custom domain is not the project's",
    {
      spec: secondary({ custom_domain: "pages.example.com" }),
      checks: { "pages-custom-domain": "fail" },
      says: /pages\.example\.com is not a custom domain of .*shop/,
      remedy: /custom domains/i,
    },
  ],
  [
    "the Pages project gets another Host than its own",
    {
      spec: secondary({ host_header: "www.example.com" }),
      checks: { "pages-host-header": "fail" },
      says: /shop\.pages\.dev.*www\.example\.com/,
      remedy: /secondary\.host_header.*shop\.pages\.dev/,
    },
  ],
];

const PAGES_SAVED: readonly Row[] = [
  [
    "the Pages project has only preview deployments",
    {
      seed: (world) => {
        project(world).deployments = [];
        project(world).canonicalId = null;
        world.deploy("shop", { environment: "preview" });
      },
      checks: { "pages-deployment": "fail" },
      says: /shop.*no successful production deployment/,
      remedy: /deploy/i,
    },
  ],
  [
    "every production deployment of the Pages project failed",
    {
      seed: (world) => {
        project(world).deployments = [];
        project(world).canonicalId = null;
        world.deploy("shop", { success: false });
      },
      checks: { "pages-deployment": "fail" },
      says: /no successful production deployment/,
      remedy: /production branch/,
    },
  ],
  [
    "the latest production deployment failed",
    {
      seed: (world) => world.deploy("shop", { success: false }),
      checks: { "pages-latest-deployment": "warn" },
      says: /latest production deployment.*shop.*failed/,
      remedy: /log/,
    },
  ],
  [
    "the Pages project was last deployed 100 days ago",
    {
      seed: (world) => {
        const { body } = only(
          new Map(
            project(world)
              .deployments.entries()
              .map(([at, one]) => [`${at}`, one]),
          ),
        );
        project(world).deployments = [];
        project(world).canonicalId = null;
        world.deploy("shop", { ageSeconds: 100 * 86_400, body });
      },
      checks: { "deployment-age": "warn" },
      says: /shop.*100 days/,
      remedy: /Deploy/,
    },
  ],
  [
    "the Pages project's address stands there as if it were any site's",
    {
      spec: { secondary: { address: "shop.pages.dev", marker: { body: "pages project" } } },
      checks: { "pages-host-header": "fail" },
      says: /shop\.pages\.dev.*www\.example\.com.*error 1000/,
      remedy: /secondary\.pages_project|secondary\.host_header/,
    },
  ],
  [
    "the Pages project's address gets the visitor's Host",
    {
      spec: { secondary: { address: "shop.pages.dev", host_header: "", marker: { body: "pages project" } } },
      checks: { "pages-host-header": "fail" },
      says: /shop\.pages\.dev.*whatever/,
      remedy: /shop\.pages\.dev/,
    },
  ],
];

const PAGES_LATER: readonly Row[] = [
  [
    "the Pages project was deleted",
    {
      seed: (world) => world.pagesProjects.clear(),
      later: 2,
      checks: { "pages-project": "fail" },
      says: /"shop"/,
      remedy: /pages_project/,
    },
  ],
  [
    "the Pages project was made anew and has another subdomain",
    {
      seed: (world) => {
        world.pagesProjects.clear();
        world.addPagesProject({ name: "shop", subdomain: "shop-4zr.pages.dev", spa: false });
      },
      later: 2,
      checks: { "pages-subdomain": "fail" },
      says: /shop-4zr\.pages\.dev.*shop\.pages\.dev/,
      remedy: /PATCH/,
    },
  ],
];

const ADDRESS_UNSAVED: readonly Row[] = [
  ...(["104.16.1.1", "2606:4700::6810:101"] as const).map((address): Row => [
    `the primary is an address of Cloudflare's own: ${address}`,
    {
      spec: primary({ address }),
      checks: { "address-anycast": "fail" },
      says: new RegExp(`primary.*${address}.*Cloudflare`),
      remedy: /hostname.*pages_project/,
    },
  ]),
  ...(["10.0.0.5", "127.0.0.1", "192.0.2.10", "169.254.1.1", "fd00::1"] as const).map((address): Row => [
    `the primary is no public address: ${address}`,
    {
      spec: primary({ address }),
      checks: { "address-public": "fail" },
      says: new RegExp(`primary.*${address}.*is a`),
      remedy: /public/,
    },
  ]),
  [
    "the primary's name resolves to a private address",
    {
      seed: (world) => world.addOrigin({ address: "intra.example.net", resolvesTo: ["10.1.2.3"] }),
      spec: primary({ address: "intra.example.net" }),
      checks: { "address-public": "fail" },
      says: /intra\.example\.net resolves to 10\.1\.2\.3/,
      remedy: /public/,
    },
  ],
  [
    "the primary is the production hostname",
    {
      spec: primary({ address: "www.example.com" }),
      checks: { "address-balanced": "fail" },
      says: /www\.example\.com/,
      remedy: /primary\.address/,
    },
  ],
  [
    "the primary is the test hostname",
    {
      spec: primary({ address: "lb-shop.example.com" }),
      checks: { "address-balanced": "fail" },
      says: /lb-shop\.example\.com/,
      remedy: /primary\.address/,
    },
  ],
  [
    "both endpoints are one and the same",
    {
      spec: { secondary: { address: "origin.example.net", marker: MARKED } },
      checks: { "endpoints-differ": "fail" },
      says: /origin\.example\.net/,
      remedy: /secondary/,
    },
  ],
];

const ADDRESS_SAVED: readonly Row[] = [
  [
    "the primary's DNS record is proxied",
    {
      seed: (world) => {
        world.addOrigin({ address: "80.1.2.3" });
        world.addDnsRecord("example.com", {
          type: "A",
          name: "origin.example.com",
          content: "80.1.2.3",
          proxied: true,
        });
      },
      spec: primary({ address: "origin.example.com" }),
      checks: { "address-proxied": "fail" },
      says: /origin\.example\.com.*proxied/,
      remedy: /DNS only/,
    },
  ],
  [
    "the primary's name leads to Cloudflare's proxy in somebody else's zone",
    {
      seed: (world) =>
        world.addOrigin({
          address: "shop.hosting.example",
          body: site(world).body,
          resolvesTo: ["104.21.3.4"],
          notFound: { status: 404, body: "none" },
        }),
      spec: primary({ address: "shop.hosting.example" }),
      checks: { "address-proxied": "fail" },
      says: /shop\.hosting\.example resolves to .*104\.21\.3\.4/,
      remedy: /DNS only/,
    },
  ],
  [
    "the primary's name does not resolve",
    {
      spec: primary({ address: "nowhere.example.net" }),
      checks: { "endpoint-resolves": "fail" },
      says: /nowhere\.example\.net does not resolve/,
      remedy: /primary\.address/,
    },
  ],
  [
    "the primary gets whatever Host the visitor asked for",
    {
      spec: primary({ host_header: "" }),
      checks: { "host-header-set": "warn" },
      says: /primary.*visitor/,
      remedy: /primary\.host_header.*www\.example\.com/,
    },
  ],
  [
    "the primary's Host lies in nobody's zone of the account",
    {
      spec: primary({ host_header: "shop.example.org" }),
      checks: { "host-header-legal": "fail" },
      says: /shop\.example\.org.*primary/,
      remedy: /primary\.host_header.*www\.example\.com/,
    },
  ],
];

/** What the endpoint answers: a warning before it is saved (it may admit only Cloudflare), and Cloudflare's verdict after. */
const answers = (
  how: (world: World) => unknown,
  says: { readonly unsaved: RegExp; readonly saved: RegExp },
  remedy: { readonly unsaved: RegExp; readonly saved: RegExp },
  spec?: object,
) => ({
  unsaved: {
    seed: how,
    ...(spec === undefined ? {} : { spec }),
    checks: { "endpoint-answers": "warn" as const },
    says: says.unsaved,
    remedy: remedy.unsaved,
  },
  saved: {
    seed: how,
    ...(spec === undefined ? {} : { spec }),
    later: 3,
    checks: { "endpoint-health": "fail" as const },
    says: says.saved,
    remedy: remedy.saved,
  },
});

const IMPATIENT = { monitor: { timeout: 1, retries: 0 } };
const HTTPS = { monitor: { type: "https" } };

const BAD_ANSWERS = [
  [
    "the primary refuses connections",
    answers(
      (world) => (site(world).up = false),
      { unsaved: /primary.*refused/, saved: /primary.*TCP connection failed/ },
      { unsaved: /only Cloudflare/, saved: /start the server|open the port/i },
    ),
  ],
  [
    "the primary answers 500",
    answers(
      (world) => (site(world).status = 500),
      { unsaved: /primary.*500/, saved: /primary.*code mismatch.*500/ },
      { unsaved: /log of the server/, saved: /log of the server/ },
    ),
  ],
  [
    "the primary doesn't know the Host that it gets",
    answers(
      (world) => (site(world).hosts = ["origin.example.net"]),
      { unsaved: /primary.*404/, saved: /primary.*code mismatch.*404/ },
      { unsaved: /primary.*host_header/, saved: /primary.*host_header/ },
    ),
  ],
  [
    "the primary never answers",
    answers(
      (world) => (site(world).failure = "timeout"),
      { unsaved: /primary.*within 1 second/, saved: /primary.*timeout/i },
      { unsaved: /primary/, saved: /timeout/ },
      IMPATIENT,
    ),
  ],
  [
    "the primary resets connections",
    answers(
      (world) => (site(world).failure = "reset"),
      { unsaved: /primary.*reset/, saved: /primary.*reset/ },
      { unsaved: /primary/, saved: /address ranges/ },
    ),
  ],
  [
    "the primary's certificate is not trusted",
    answers(
      (world) => (site(world).failure = "tls"),
      { unsaved: /primary.*certificate/, saved: /primary.*certificate/ },
      { unsaved: /certificate/, saved: /Origin CA/ },
      HTTPS,
    ),
  ],
  [
    "the primary's certificate is for another name",
    answers(
      (world) => (site(world).failure = "tls-name"),
      { unsaved: /primary.*name mismatch/, saved: /primary.*certificate/ },
      { unsaved: /certificate/, saved: /host_header/ },
      HTTPS,
    ),
  ],
  [
    "the primary speaks no TLS on the port that is checked",
    answers(
      (world) => (site(world).failure = "tls-handshake"),
      { unsaved: /primary.*handshake/, saved: /primary.*TLS/ },
      { unsaved: /port/, saved: /port/ },
      HTTPS,
    ),
  ],
  [
    "what answers for the primary is no HTTP",
    answers(
      (world) => (site(world).failure = "garbage"),
      { unsaved: /primary.*http/i, saved: /primary.*invalid response/i },
      { unsaved: /primary/, saved: /port/ },
    ),
  ],
  [
    "the primary listens on another port",
    answers(
      (world) => (site(world).ports = [8080]),
      { unsaved: /primary.*refused/, saved: /primary.*connection failed/ },
      { unsaved: /port/, saved: /port/ },
    ),
  ],
] as const;

const ANSWERS_UNSAVED: readonly Row[] = [
  ...BAD_ANSWERS.map(([what, { unsaved: row }]): Row => [what, row]),
  [
    "the primary admits only Cloudflare's addresses",
    {
      seed: (world) => (site(world).admitsOnlyCloudflare = true),
      checks: { "endpoint-answers": "warn" },
      says: /primary.*admits only Cloudflare/,
      remedy: /admits only Cloudflare/,
    },
  ],
];

const ANSWERS_LATER: readonly Row[] = [
  ...BAD_ANSWERS.map(([what, { saved: row }]): Row => [what, row]),
  [
    "the primary went down a moment ago",
    {
      seed: (world) => (site(world).up = false),
      promotes: "does not ask",
      later: 0,
      checks: { preview: "fail" },
      says: /primary.*TCP connection failed/,
      remedy: /start the server|open the port/i,
    },
  ],
];

const PADDED = (text: string): string => `<!doctype html>${"<!-- padding -->".repeat(800)}${text}`;

const ANSWERS_SAVED: readonly Row[] = [
  [
    "the primary redirects to another site",
    {
      seed: (world) => (site(world).redirectTo = "https://elsewhere.example/"),
      checks: { "redirect-leaves": "fail" },
      says: /primary.*https:\/\/elsewhere\.example\//,
      remedy: /monitor\.path/,
    },
  ],
  [
    "the primary redirects to the balanced hostname",
    {
      seed: (world) => (site(world).redirectTo = "https://www.example.com/"),
      spec: primary({ host_header: "origin.example.net" }),
      checks: { "redirect-loop": "fail" },
      says: /primary.*www\.example\.com/,
      remedy: /host_header.*www\.example\.com/,
    },
  ],
  [
    "the primary redirects to itself without end",
    {
      seed: (world) => (site(world).redirectTo = "http://www.example.com/"),
      checks: { "redirect-loop": "fail" },
      says: /primary.*http:\/\/www\.example\.com\/.*more than 5/,
      remedy: /monitor\.type|SSL/,
    },
  ],
  [
    "the primary asks for a login of Cloudflare Access",
    {
      seed: (world) =>
        (site(world).redirectTo = "https://team.cloudflareaccess.com/cdn-cgi/access/login/www.example.com"),
      checks: { "access-login": "fail" },
      says: /primary.*login.*team\.cloudflareaccess\.com/,
      remedy: /bypass/i,
    },
  ],
  [
    "Pages redirects to https and the monitor doesn't follow",
    {
      spec: { monitor: { follow_redirects: false } },
      checks: { "redirects-followed": "fail" },
      says: /secondary.*301.*https:\/\/shop\.pages\.dev\//,
      remedy: /monitor\.follow_redirects/,
    },
  ],
  [
    "the expected text is not on the secondary's page",
    {
      spec: { monitor: { expected_body: "primary origin" } },
      checks: { "expected-body": "fail" },
      says: /secondary.*"primary origin"/,
      remedy: /monitor\.expected_body/,
    },
  ],
  [
    "the expected text comes after the first 10 KB",
    {
      seed: (world) => (site(world).body = PADDED("primary origin and project")),
      spec: { monitor: { expected_body: "project" } },
      checks: { "expected-body": "fail" },
      says: /primary.*"project".*byte 12\d\d\d/,
      remedy: /beginning/,
    },
  ],
  [
    "the primary answers every path alike",
    {
      seed: (world) => delete site(world).notFound,
      checks: { "soft-404": "warn" },
      says: /primary.*200.*very same page/,
      remedy: /monitor\.expected_body/,
    },
  ],
  [
    "the Pages project is a single-page application",
    {
      seed: (world) => (project(world).spa = true),
      checks: { "soft-404": "warn" },
      says: /secondary.*200/,
      remedy: /404\.html/,
    },
  ],
  [
    "the endpoints show different titles, and nothing says that they may",
    {
      spec: { primary: { address: "origin.example.net" }, secondary: { pages_project: "shop" } },
      checks: { parity: "warn" },
      says: /"Primary".*"Secondary"/,
      remedy: /marker/,
    },
  ],
  [
    "the endpoints say that they are of different builds",
    {
      seed: (world) => {
        site(world).headers = { "x-build-id": "a1" };
        world.deploy("shop", { body: '<meta name="build" content="b2"><p>pages project shop</p>' });
      },
      checks: { parity: "warn" },
      says: /a1.*b2/,
      remedy: /same version/,
    },
  ],
  [
    "the endpoints answer with different statuses",
    {
      seed: (world) => (site(world).status = 203),
      spec: { monitor: { expected_codes: "2xx" } },
      checks: { parity: "warn" },
      says: /203.*200/,
      remedy: /same version/,
    },
  ],
  [
    "the marker is not on the secondary's page",
    {
      spec: secondary({ marker: { body: "made by us" } }),
      checks: { "marker-found": "warn" },
      says: /secondary.*"made by us"/,
      remedy: /secondary\.marker/,
    },
  ],
];

const BALANCER: readonly Row[] = [
  [
    "the primary pool was disabled",
    {
      seed: (world) => world.edit("pool", poolOf(world, "primary").id, { enabled: false }),
      promotes: "heals",
      later: 0,
      checks: { "pools-enabled": "fail" },
      says: /shop-primary.*disabled/,
      remedy: /enable/i,
    },
  ],
  [
    "the secondary pool, which is the fallback, was disabled",
    {
      seed: (world) => world.edit("pool", poolOf(world, "secondary").id, { enabled: false }),
      promotes: "heals",
      later: 0,
      checks: { "pools-enabled": "fail" },
      says: /shop-secondary.*disabled/,
      remedy: /enable/i,
    },
  ],
  [
    "the endpoint in the secondary pool was disabled",
    {
      seed: (world) => {
        const pool = poolOf(world, "secondary");
        world.edit("pool", pool.id, { origins: pool.origins.map((one) => ({ ...one, enabled: false })) });
      },
      promotes: "heals",
      later: 0,
      checks: { "pools-enabled": "fail" },
      says: /endpoint.*shop-secondary.*disabled/,
      remedy: /enable/i,
    },
  ],
  [
    "the fallback pool is the primary",
    {
      seed: (world) =>
        world.edit("load_balancer", only(world.loadBalancers).id, {
          fallback_pool: poolOf(world, "primary").id,
        }),
      promotes: "heals",
      later: 0,
      checks: { "fallback-pool": "fail" },
      says: /fallback pool.*shop-primary/,
      remedy: /shop-secondary/,
    },
  ],
  [
    "failover across pools was switched off",
    {
      seed: (world) =>
        world.edit("load_balancer", only(world.loadBalancers).id, {
          adaptive_routing: { failover_across_pools: false },
        }),
      later: 0,
      checks: { "failover-across-pools": "warn" },
      says: /failover_across_pools/,
      remedy: /failover_across_pools/,
    },
  ],
  [
    "another load balancer uses our pool",
    {
      seed: async (world, stage) => {
        const { id } = poolOf(world, "secondary");
        await stage.cloudflare("POST", `/zones/${only(world.zones).id}/load_balancers`, {
          name: "other.example.com",
          default_pools: [id],
          fallback_pool: id,
        });
      },
      later: 0,
      checks: { "pool-shared": "fail" },
      says: /other\.example\.com/,
      remedy: /other\.example\.com/,
    },
  ],
  [
    "a rule on the load balancer answers in the pair's place",
    {
      seed: (world) =>
        world.edit("load_balancer", only(world.loadBalancers).id, {
          rules: [
            {
              name: "closed",
              condition: "",
              disabled: false,
              priority: 0,
              terminates: true,
              fixed_response: { status_code: 503 },
            },
          ],
        }),
      later: 0,
      checks: { "foreign-routing": "fail" },
      says: /lb-shop\.example\.com has rules/,
      remedy: /Remove/,
    },
  ],
  [
    "somebody else's pool stands before the pair's",
    {
      seed: (world) => {
        const pool = { ...poolOf(world, "primary"), id: "c".repeat(32), name: "third" };
        world.pools.set(pool.id, pool);
        const lb = only(world.loadBalancers);
        world.edit("load_balancer", lb.id, { default_pools: [pool.id, ...lb.default_pools] });
      },
      later: 0,
      checks: { "foreign-routing": "fail" },
      promotes: "heals",
      says: /lb-shop\.example\.com also has the pool c{32}/,
      remedy: /reconcile/,
    },
  ],
  [
    "the load balancer chooses pools at random",
    {
      seed: (world) =>
        world.edit("load_balancer", only(world.loadBalancers).id, { steering_policy: "random" }),
      later: 0,
      checks: { "foreign-routing": "fail" },
      promotes: "heals",
      says: /steering policy is random/,
      remedy: /reconcile/,
    },
  ],
  [
    "visitors from Germany get the secondary",
    {
      seed: (world) =>
        world.edit("load_balancer", only(world.loadBalancers).id, {
          country_pools: { DE: [poolOf(world, "secondary").id] },
        }),
      later: 0,
      checks: { "foreign-routing": "fail" },
      says: /country_pools/,
      remedy: /Remove/,
    },
  ],
  [
    "the load balancer was deleted",
    {
      seed: (world) => world.remove("load_balancer", only(world.loadBalancers).id),
      promotes: "heals",
      later: 0,
      checks: { "objects-in-place": "fail" },
      says: /load balancer.*does not exist/,
      remedy: /reconcile/i,
    },
  ],
  [
    "the marker was deleted from the primary pool's description",
    {
      seed: (world) => world.edit("pool", poolOf(world, "primary").id, { description: "mine now" }),
      later: 0,
      checks: { "objects-in-place": "fail" },
      says: /primary pool.*marker/,
      remedy: /marker.*understudy:/,
    },
  ],
];

const ROWS = {
  unsaved: [
    ...PAGES_UNSAVED,
    ...PAGES_SAVED,
    ...ADDRESS_UNSAVED,
    ...ADDRESS_SAVED,
    ...ANSWERS_UNSAVED,
    ...ANSWERS_SAVED,
  ],
  saved: [...PAGES_SAVED, ...PAGES_LATER, ...ADDRESS_SAVED, ...ANSWERS_SAVED, ...ANSWERS_LATER, ...BALANCER],
} as const;

tell("before it is saved", unsaved, ROWS.unsaved);

tell("of a saved failover", saved, ROWS.saved);

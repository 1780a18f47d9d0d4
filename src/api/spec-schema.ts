// The spec as it is shown, every default filled in. Its descriptions serve the request bodies too (document.ts).
import { z } from "@hono/zod-openapi";
import { DRILL_METHODS } from "../failover/drill.ts";
import { APPROVAL_POLICIES, BROKEN_DEPLOY_POLICIES, FAILBACK_MODES, REGIONS } from "../failover/spec.ts";
import { windowSchema } from "../failover/windows.ts";

function endpointSchema(description: string, example: string) {
  return z
    .object({
      address: z.string().nullable().meta({
        description:
          "Hostname or public IP address; null until Cloudflare has told a Pages project's subdomain.",
        example,
      }),
      pages_project: z.string().optional().meta({ description: "The Pages project.", example: "shop" }),
      custom_domain: z.string().optional().meta({
        description: "The Pages project's custom domain that is used.",
        example: "shop.example.org",
      }),
      host_header: z.string().nullable().meta({
        description: "The Host that this endpoint is asked for; null passes the visitor's through.",
        example: "www.example.com",
      }),
      port: z.int().optional().meta({ description: "A port other than the protocol's own.", example: 8080 }),
      description: z
        .string()
        .meta({ description: "What the pool is called in its description.", example: "production website" }),
      marker: z
        .object({
          header: z.string().optional().meta({
            description: "A response header that only this endpoint sends.",
            example: "x-served-by",
          }),
          value: z.string().optional().meta({ description: "That header's value.", example: "origin" }),
          body: z
            .string()
            .optional()
            .meta({ description: "A text that only this endpoint's body has.", example: "Pages version" }),
        })
        .optional()
        .meta({ description: "What tells this endpoint's answers from the other's." }),
    })
    .meta({ description });
}

const monitorSchema = z
  .object({
    type: z
      .enum(["http", "https"])
      .meta({ description: "The protocol of the health check.", example: "http" }),
    description: z
      .string()
      .meta({ description: "The monitor's description.", example: "HTTP - 200 - Follow Redirects" }),
    method: z.enum(["GET", "HEAD"]).meta({ description: "The request method.", example: "GET" }),
    path: z.string().meta({ description: "The path that is asked for.", example: "/" }),
    port: z.int().meta({ description: "The port; 80 for http and 443 for https unless given.", example: 80 }),
    expected_codes: z.string().meta({
      description: "Status codes or classes that are healthy, a comma between them.",
      example: "200",
    }),
    expected_body: z
      .string()
      .meta({ description: "A text that a healthy body has; empty for any.", example: "" }),
    follow_redirects: z.boolean().meta({ description: "Whether redirects are followed.", example: true }),
    allow_insecure: z
      .boolean()
      .meta({ description: "Whether a certificate that can't be verified is accepted.", example: false }),
    interval: z.int().meta({ description: "Seconds between two checks.", example: 60 }),
    timeout: z.int().meta({ description: "Seconds until a check has failed.", example: 5 }),
    retries: z.int().meta({ description: "Further tries before a check has failed.", example: 2 }),
    consecutive_up: z.int().optional().meta({
      description:
        "Good checks in a row before it is healthy. Where failback isn't automatic the default is so many that they take longer than it takes to know of an outage: 5 at 60 seconds.",
      example: 1,
    }),
    consecutive_down: z
      .int()
      .optional()
      .meta({ description: "Failed checks in a row before it is unhealthy.", example: 1 }),
    header: z
      .record(z.string(), z.array(z.string()))
      .optional()
      .meta({ description: "Request headers beside Host.", example: { "X-Check": ["understudy"] } }),
  })
  .meta({ description: "Cloudflare's health check, with Cloudflare's member names." });

const loadBalancerSchema = z
  .object({
    proxied: z
      .boolean()
      .meta({ description: "Whether traffic goes through Cloudflare's proxy.", example: true }),
    ttl: z
      .int()
      .optional()
      .meta({ description: "Seconds that resolvers may keep the answer; only unproxied.", example: 30 }),
    session_affinity: z
      .enum(["none", "cookie", "ip_cookie", "header"])
      .meta({ description: "How visitors stay with one endpoint.", example: "none" }),
    session_affinity_ttl: z.int().optional().meta({ description: "Seconds that they stay.", example: 1800 }),
    session_affinity_attributes: z
      .object({
        samesite: z
          .enum(["Auto", "Lax", "None", "Strict"])
          .optional()
          .meta({ description: "SameSite of the affinity cookie.", example: "Auto" }),
        secure: z
          .enum(["Auto", "Always", "Never"])
          .optional()
          .meta({ description: "Secure of the affinity cookie.", example: "Auto" }),
        drain_duration: z
          .int()
          .optional()
          .meta({ description: "Seconds that a disabled endpoint keeps its visitors.", example: 60 }),
        zero_downtime_failover: z
          .enum(["none", "temporary", "sticky"])
          .optional()
          .meta({ description: "Where visitors go when their endpoint fails.", example: "sticky" }),
        headers: z
          .array(z.string())
          .optional()
          .meta({ description: "Headers that affinity goes by.", example: ["x-session"] }),
        require_all_headers: z
          .boolean()
          .optional()
          .meta({ description: "Whether all of them must be there.", example: false }),
      })
      .optional()
      .meta({ description: "Details of session affinity; left to Cloudflare unless given." }),
    adaptive_routing: z
      .object({
        failover_across_pools: z.boolean().meta({
          description:
            "Whether a failed request is tried on the other pool at once; by default where failback is automatic.",
          example: true,
        }),
      })
      .meta({ description: "Retries between the pools." }),
    description: z
      .string()
      .meta({ description: "The load balancer's description.", example: "shop: active-passive failover" }),
  })
  .meta({ description: "The load balancer's own settings." });

const policy = (of: string) =>
  z
    .enum(["heal", "report"])
    .meta({ description: `Whether drift ${of} is healed or only reported.`, example: "heal" });

export const specSchema = z
  .object({
    name: z.string().meta({
      description: "Lower-case letters, digits and inner hyphens, at most 50; fixed.",
      example: "shop",
    }),
    hostname: z.string().meta({
      description: "The production hostname, in a zone of the account.",
      example: "www.example.com",
    }),
    test_hostname: z.string().nullable().meta({
      description: "The hostname before production; `lb-<name>.<zone>` unless given.",
      example: "lb-shop.example.com",
    }),
    primary: endpointSchema("The endpoint that stands first.", "origin.example.net"),
    secondary: endpointSchema("The endpoint that steps in.", "shop.pages.dev"),
    monitor: monitorSchema,
    check_regions: z.array(z.enum(REGIONS)).meta({
      description: "Regions from which Cloudflare checks both pools.",
      example: ["WNAM"],
    }),
    load_balancer: loadBalancerSchema,
    drift: z
      .object({
        role: policy("in role (order, enabled, name, fallback)"),
        safety: policy("that makes failing over unsafe"),
        cosmetic: policy("that changes nothing for visitors"),
        foreign: policy("by somebody else's routing past the pair"),
      })
      .meta({ description: "What happens to drift, by class; one word sets all but `foreign`." }),
    drift_grace_seconds: z.int().meta({
      description: "How long role drift made by somebody else is left alone in production.",
      example: 900,
    }),
    bake_seconds: z.int().meta({
      description:
        "For how long a promotion to production is watched, and taken back where it goes wrong; 0 leaves that out.",
      example: 300,
    }),
    failback: z
      .object({
        mode: z.enum(FAILBACK_MODES).meta({
          description:
            "`automatic` is Cloudflare's own behaviour. With `manual` and `after` an outage of the primary latches the order to secondary first; then a person switches back, or it returns by itself after a while.",
          example: "automatic",
        }),
        healthy_seconds: z.int().optional().meta({
          description:
            "With `after`: for how many seconds without interruption Cloudflare has to find the primary healthy; 600 unless given.",
          example: 600,
        }),
        windows: z.array(windowSchema).optional().meta({
          description: "With `after`: traffic returns only while one of these weekly windows is open.",
        }),
      })
      .meta({ description: "How traffic returns when the primary is healthy again." }),
    on_broken_deploy: z.enum(BROKEN_DEPLOY_POLICIES).meta({
      description:
        "What is done about a production deploy of a Pages project that breaks its endpoint: `report` says so, `rollback` also rolls the project back to the last deployment that was found good. Failovers that share a project have to agree.",
      example: "rollback",
    }),
    approval: z.enum(APPROVAL_POLICIES).meta({
      description:
        "`required`: promotions and switch-overs wait until another person has approved them, by `POST /v1/operations/{id}/approve`. What restores or ends danger never waits: demotions, switch-backs, aborts, lease ends, and what happens by itself. To turn it off is itself refused by the guard `approval-required`, unless overridden with a reason.",
      example: "required",
    }),
    drills: z
      .object({
        schedule: z
          .object({
            windows: z.array(windowSchema).meta({
              description:
                "Each opening of each of these weekly windows has one drill: as soon as nothing stands against it. Where that doesn't come to pass there is an event `drill.skipped` with the reasons.",
              example: [{ days: ["tue"], from: "03:00", to: "05:00", time_zone: "Europe/Berlin" }],
            }),
            method: z.enum(DRILL_METHODS).optional().meta({
              description:
                "How to divert in testing, `disable-primary` unless given; in production the pools are reordered in any case.",
              example: "reorder",
            }),
            hold_seconds: z
              .int()
              .meta({ description: "How long to stay at the secondary; 60 unless given.", example: 60 }),
            confirm: z.string().optional().meta({
              description:
                "The production hostname, whose visitors will be moved; without it a drill in production is skipped.",
              example: "www.example.com",
            }),
          })
          .nullable()
          .meta({ description: "What repeats the drill by itself; null where nothing does." }),
      })
      .meta({ description: "Rehearsals that nobody has to ask for." }),
  })
  .meta({ id: "Spec", description: "What the user asked for, defaults filled in." });

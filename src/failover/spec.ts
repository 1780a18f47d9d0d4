// What a user may ask for, and the tutorial's values for all that was left out.
import { z } from "zod";
import { addressProblem, isAddressLiteral } from "./addresses.ts";
import { DRILL_METHODS, LONGEST_HOLD_SECONDS } from "./drill.ts";
import { hostnameProblem, normalizeHostname } from "./hostnames.ts";
import { BAKE_SECONDS, loadBalancerProblems, monitorProblems } from "./spec-rules.ts";
import { windowSchema } from "./windows.ts";

export const REGIONS = [
  "WNAM",
  "ENAM",
  "WEU",
  "EEU",
  "NSAM",
  "SSAM",
  "OC",
  "ME",
  "NAF",
  "SAF",
  "SAS",
  "SEAS",
  "NEAS",
  "ALL_REGIONS",
] as const;

/** What is done about a deploy that breaks a Pages endpoint. */
export const BROKEN_DEPLOY_POLICIES = ["report", "rollback"] as const;

/** Whether promotions and switch-overs wait for a second person. */
export const APPROVAL_POLICIES = ["none", "required"] as const;

export const FAILBACK_MODES = ["automatic", "manual", "after"] as const;

const hostname = z
  .string()
  .transform(normalizeHostname)
  .superRefine((name, context) => {
    const problem = hostnameProblem(name);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });

/** An IPv6 address has many spellings; kept is the shortest (RFC 5952), because two spellings must not look like drift. */
export function normalizeAddress(text: string): string {
  const name = normalizeHostname(text);
  return isAddressLiteral(name) && name.includes(":") && !name.startsWith("[")
    ? new URL(`http://[${name}]`).hostname.slice(1, -1)
    : name;
}

/** Any IP address, also one that can't be an endpoint: a preflight says what is wrong with it. */
const anyAddress = z
  .string()
  .transform(normalizeAddress)
  .superRefine((text, context) => {
    const problem = isAddressLiteral(text) ? null : hostnameProblem(text);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });

const reachableAddress = anyAddress.superRefine((text, context) => {
  const problem = isAddressLiteral(text) ? addressProblem(text) : null;
  if (problem !== null) context.addIssue({ code: "custom", message: problem });
});

const projectName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$/,
    "is not a Pages project name: lower-case letters, digits and inner hyphens",
  );

/** How an endpoint's answers are told from the other's: a response header, or a text in the body. */
const marker = z
  .strictObject({
    header: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/, "is not a header name")
      .max(100)
      .optional(),
    value: z.string().min(1).max(200).optional(),
    body: z.string().min(1).max(200).optional(),
  })
  .refine(
    (m) => m.header !== undefined || m.body !== undefined,
    "needs header (with an optional value) or body",
  )
  .refine((m) => m.value === undefined || m.header !== undefined, {
    path: ["value"],
    message: "is the value of a header: name that header in header",
  });

/** One strict object rather than a union, so that a wrong member is named and not "no branch matched". */
const endpointWith = (address: typeof anyAddress) =>
  z
    .strictObject({
      address: address.optional().meta({
        description: "Hostname or public IP address of the endpoint.",
        example: "origin.example.net",
      }),
      pages_project: projectName.optional().meta({
        description: "A Pages project of the account, in the place of an address.",
        example: "shop",
      }),
      custom_domain: hostname.optional().meta({
        description:
          "An active custom domain of the Pages project, used in the place of its pages.dev subdomain.",
        example: "shop.example.org",
      }),
      host_header: z
        .string()
        .transform((text) => (text === "" ? "" : normalizeHostname(text)))
        .superRefine((name, context) => {
          const problem = name === "" ? null : hostnameProblem(name);
          if (problem !== null) context.addIssue({ code: "custom", message: problem });
        })
        .nullable()
        .optional()
        .meta({
          description:
            "The Host that health checks and visitors' requests carry to this endpoint. The empty string (on create also null) passes the visitor's Host through, which a Pages endpoint would not answer. Default: a Pages endpoint's own name, else the production hostname.",
          example: "www.example.com",
        }),
      port: z
        .int()
        .min(1)
        .max(65535)
        .optional()
        .meta({ description: "A port other than the protocol's own.", example: 8080 }),
      description: z.string().max(500).optional().meta({ example: "production website" }),
      marker: marker.optional().meta({ description: "What tells this endpoint's answers from the other's." }),
    })
    .superRefine((given, context) => {
      if ((given.address === undefined) === (given.pages_project === undefined)) {
        context.addIssue({
          code: "custom",
          message:
            "needs exactly one of address (a hostname or IP address) and pages_project (a Pages project's name)",
        });
      }
      if (given.custom_domain !== undefined && given.pages_project === undefined) {
        context.addIssue({ code: "custom", path: ["custom_domain"], message: "belongs to a pages_project" });
      }
      // Pages finds the project by the Host header alone (API-FACTS 12.3).
      if (given.host_header === "" && given.pages_project !== undefined) {
        context.addIssue({
          code: "custom",
          path: ["host_header"],
          message:
            "can't pass the visitor's Host to a Pages project, which answers only to its own names: leave it out",
        });
      }
    });

const EXPECTED_CODES = /^[1-5](\d\d|xx)(,[1-5](\d\d|xx))*$/i;

const monitorHeader = z
  .record(
    z.string().regex(/^[A-Za-z0-9-]+$/, "is not a header name"),
    z.array(z.string().max(1024)).min(1).max(10),
  )
  .superRefine((header, context) => {
    const seen = new Set<string>();
    for (const name of Object.keys(header)) {
      const lower = name.toLowerCase();
      const issue = (message: string) => context.addIssue({ code: "custom", path: [name], message });
      if (lower === "user-agent")
        issue("can't be overridden: health checks always carry Cloudflare's User-Agent");
      if (seen.has(lower)) issue("stands here twice, in different capitals: give each header once");
      seen.add(lower);
    }
  });

const monitor = z
  .strictObject({
    type: z.enum(["http", "https"]).optional(),
    method: z.enum(["GET", "HEAD"]).optional(),
    path: z
      .string()
      .regex(/^\/[^\s#]*$/, "must begin with / and hold no blanks")
      .max(1024)
      .optional(),
    port: z.int().min(1).max(65535).optional(),
    expected_codes: z
      .string()
      .transform((codes) => codes.replaceAll(" ", "").toLowerCase())
      .pipe(z.string().regex(EXPECTED_CODES, "is not a list of status codes or classes such as 200 or 2xx"))
      .optional(),
    expected_body: z.string().max(1024).optional(),
    follow_redirects: z.boolean().optional(),
    allow_insecure: z.boolean().optional(),
    interval: z.int().min(5).max(3600).optional(),
    timeout: z.int().min(1).max(10).optional(),
    retries: z.int().min(0).max(5).optional(),
    consecutive_up: z.int().min(0).max(100).optional(),
    consecutive_down: z.int().min(0).max(100).optional(),
    header: monitorHeader.optional(),
    description: z.string().max(500).optional(),
  })
  .superRefine((given, context) => {
    for (const problem of monitorProblems(given)) context.addIssue({ code: "custom", ...problem });
  });

const loadBalancer = z
  .strictObject({
    proxied: z.boolean().optional(),
    ttl: z.int().min(10).max(86400).optional(),
    session_affinity: z.enum(["none", "cookie", "ip_cookie", "header"]).optional(),
    session_affinity_ttl: z.int().min(30).max(604800).optional(),
    session_affinity_attributes: z
      .strictObject({
        samesite: z.enum(["Auto", "Lax", "None", "Strict"]).optional(),
        secure: z.enum(["Auto", "Always", "Never"]).optional(),
        drain_duration: z.int().min(0).max(3600).optional(),
        zero_downtime_failover: z.enum(["none", "temporary", "sticky"]).optional(),
        headers: z
          .array(
            z
              .string()
              .min(1)
              .max(100)
              .regex(/^[A-Za-z0-9_-]+$/, "is not a header name"),
          )
          .max(5)
          .refine((names) => new Set(names).size === names.length, "must name each header once")
          .optional(),
        require_all_headers: z.boolean().optional(),
      })
      .optional(),
    adaptive_routing: z.strictObject({ failover_across_pools: z.boolean().optional() }).optional(),
    description: z.string().max(500).optional(),
  })
  .superRefine((given, context) => {
    for (const problem of loadBalancerProblems(given)) context.addIssue({ code: "custom", ...problem });
  });

const policy = z.enum(["heal", "report"]);
const drift = z.union(
  [
    policy,
    z.strictObject({
      role: policy.optional(),
      safety: policy.optional(),
      cosmetic: policy.optional(),
      foreign: policy.optional(),
    }),
  ],
  "must be heal or report, or an object that says so for role, safety, cosmetic and foreign",
);

const failback = z
  .strictObject({
    mode: z.enum(FAILBACK_MODES),
    healthy_seconds: z.int().min(1).max(604_800).optional(),
    windows: z.array(windowSchema).min(1).max(20).optional(),
  })
  .superRefine((given, context) => {
    for (const member of ["healthy_seconds", "windows"] as const) {
      if (given.mode === "after" || given[member] === undefined) continue;
      const message = `has a meaning only with the mode after, not with ${given.mode}: leave it out`;
      context.addIssue({ code: "custom", path: [member], message });
    }
  });

/** What repeats a drill; the method counts where the stage allows it. */
const drills = z.strictObject({
  schedule: z
    .strictObject({
      windows: z.array(windowSchema).min(1).max(20),
      method: z.enum(DRILL_METHODS).optional(),
      hold_seconds: z.int().min(1).max(LONGEST_HOLD_SECONDS).optional(),
      confirm: hostname.optional(),
    })
    .nullable()
    .optional(),
});

const specWith = (endpoint: ReturnType<typeof endpointWith>) =>
  z.strictObject({
    name: z
      .string()
      .max(50)
      .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "must be lower-case letters, digits and inner hyphens"),
    hostname,
    test_hostname: hostname.optional(),
    primary: endpoint,
    secondary: endpoint,
    monitor: monitor.optional(),
    check_regions: z
      .array(z.enum(REGIONS))
      .min(1)
      .max(13)
      .refine((regions) => new Set(regions).size === regions.length, "must name each region once")
      .optional(),
    load_balancer: loadBalancer.optional(),
    drift: drift.optional(),
    drift_grace_seconds: z.int().min(0).max(86400).optional(),
    bake_seconds: z.int().min(0).max(BAKE_SECONDS.most).optional(),
    failback: failback.optional(),
    on_broken_deploy: z.enum(BROKEN_DEPLOY_POLICIES).optional(),
    drills: drills.optional(),
    approval: z.enum(APPROVAL_POLICIES).optional(),
  });

/** The body of a create, and what a PATCH merges into. Strict throughout: an unknown member is named and refused. */
export const specInputSchema = specWith(endpointWith(reachableAddress));

/** What a preflight of an unsaved spec takes: the same, but for addresses that a create would refuse. */
export const unsavedSpecSchema = specWith(endpointWith(anyAddress));

export type SpecInput = z.output<typeof specInputSchema>;
export type EndpointInput = SpecInput["primary"];

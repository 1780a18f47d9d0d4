// The API's document for people: Swagger UI, from files that are deployed with the Worker and from nowhere else.
import { createRoute, z } from "@hono/zod-openapi";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { problem } from "../problem.ts";
import { createRouter } from "../router.ts";

const tags = ["Documentation"];

/** Of all that the package of Swagger UI has these are served, and nothing else. */
const FILES = ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"] as const;
const DAY_SECONDS = 86_400;

/** Swagger UI's icons are data: URIs; its styles are its own file's, or set by script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Understudy: the API</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <script src="/docs/swagger-ui-bundle.js" defer></script>
    <script src="/docs/start.js" defer></script>
  </head>
  <body>
    <div id="docs"></div>
    <noscript>This page needs JavaScript; the document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
  </body>
</html>
`;

/**
 * Only a token is asked for: Cloudflare adds the JWT of Access, and webhooks are signed by programs. What was entered
 * is forgotten with the page.
 */
const START = `const onlyTokens = (selector) => (...given) =>
  selector(...given)?.filter((scheme) => scheme.has("bearer"));

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: false,
  validatorUrl: null,
  plugins: [
    { statePlugins: { auth: { wrapSelectors: { definitionsToAuthorize: onlyTokens } } } },
  ],
});
`;

const page = createRoute({
  method: "get",
  path: "/docs",
  operationId: "getDocs",
  tags,
  summary: "This document, for people",
  description: "Swagger UI. It loads nothing from elsewhere; Authorize takes a token.",
  security: [],
  parameters: [contract.requestIdParameter],
  responses: {
    200: {
      description: "A page.",
      headers: contract.HEADERS.requestId,
      content: {
        "text/html": {
          schema: z.string().meta({ description: "A page.", example: "<!doctype html>" }),
        },
      },
    },
  },
});

const file = createRoute({
  method: "get",
  path: "/docs/{file}",
  operationId: "getDocsFile",
  tags,
  summary: "What that page is made of",
  security: [],
  parameters: [contract.requestIdParameter],
  request: {
    params: z.object({
      file: z.string().meta({ description: "The file's name.", example: "swagger-ui.css" }),
    }),
  },
  responses: {
    200: {
      description: "The file.",
      headers: contract.HEADERS.requestId,
      content: {
        "*/*": { schema: z.string().meta({ description: "The file.", example: "body { margin: 0 }" }) },
      },
    },
    304: { description: "The caller has it already.", headers: contract.HEADERS.requestId },
    ...contract.problems("not-found"),
  },
});

/** Hidden from nobody: the document says how the service can be used, not what it knows. */
export function docsRoutes(dependencies: Pick<ApiDependencies, "assets">) {
  return createRouter()
    .openapi(page, (c) => c.html(PAGE, 200, guarded("no-cache")))
    .openapi(file, async (c) => {
      const { assets } = dependencies;
      const { file: name } = c.req.valid("param");
      const cached = guarded(`public, max-age=${DAY_SECONDS}`);
      if (name === "start.js") return c.body(START, 200, { ...cached, "content-type": "text/javascript" });
      if (assets === null || !FILES.some((one) => one === name))
        throw problem("not-found", "There is no such file.");
      const { headers } = c.req.raw;
      const known = headers.get("if-none-match");
      const answer = await assets.fetch(
        new Request(new URL(`/${name}`, c.req.url), {
          headers: known === null ? {} : { "if-none-match": known },
        }),
      );
      const response = new Response(answer.body, answer);
      for (const [header, value] of Object.entries(cached)) response.headers.set(header, value);
      return response;
    });
}

function guarded(cacheControl: string) {
  return {
    "cache-control": cacheControl,
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}

// The API's table of contents.
import { authorize } from "./authorization.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { describeApi } from "./document.ts";
import { answerException } from "./exceptions.ts";
import { honourIdempotencyKey } from "./idempotency-key.ts";
import { refuseOtherMethods } from "./methods.ts";
import { answerProblem } from "./problem.ts";
import { requestId } from "./request-id.ts";
import { createRouter } from "./router.ts";
import { channelRoutes } from "./routes/channels.ts";
import { docsRoutes } from "./routes/docs.ts";
import { drillRoutes } from "./routes/drills.ts";
import { eventRoutes } from "./routes/events.ts";
import { explainRoutes } from "./routes/explain.ts";
import { failoverRoutes } from "./routes/failovers.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { healthRoutes } from "./routes/health.ts";
import { importRoutes } from "./routes/import.ts";
import { inboxRoutes } from "./routes/inbox.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { operationRoutes } from "./routes/operations.ts";
import { planRoutes } from "./routes/plan.ts";
import { preflightRoutes } from "./routes/preflight.ts";
import { probeRoutes } from "./routes/probes.ts";
import { setupRoutes } from "./routes/setup.ts";
import { switchingRoutes } from "./routes/switching.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { transitionRoutes } from "./routes/transitions.ts";
import { trailRoutes } from "./routes/trail.ts";
import { receivingRoutes } from "./routes/webhooks.ts";

/** Chained, so that its type knows every route: src/client.ts is made of it. */
export function createApp(dependencies: ApiDependencies) {
  const app = createRouter();
  app.onError(answerException(dependencies));
  app.notFound((c) => answerProblem(c, { code: "not-found", detail: "There is nothing at this path." }));

  app.use(requestId());
  app.use("/v1/*", async (c, next) => {
    await next();
    // Answers change without the revision doing so, and they are not for everybody.
    c.header("Cache-Control", "no-store");
  });
  app.use(authorize(dependencies));
  app.use("/v1/*", honourIdempotencyKey(dependencies));

  const routes = app
    .route("/", healthRoutes(dependencies))
    .route(
      "/",
      openApiRoutes(() => describeApi(app)),
    )
    .route("/", docsRoutes(dependencies))
    .route("/v1", eventRoutes(dependencies))
    .route("/v1", trailRoutes(dependencies))
    .route("/v1/import", importRoutes(dependencies))
    .route("/v1/operations", operationRoutes(dependencies))
    .route("/v1", preflightRoutes(dependencies))
    .route("/v1/failovers", failoverRoutes(dependencies))
    .route("/v1/failovers", transitionRoutes(dependencies))
    .route("/v1/failovers", switchingRoutes(dependencies))
    .route("/v1/failovers", drillRoutes(dependencies))
    .route("/v1/fleet", fleetRoutes(dependencies))
    .route("/v1/webhooks", inboxRoutes(dependencies))
    .route("/v1/setup", setupRoutes(dependencies))
    .route("/webhooks", receivingRoutes(dependencies))
    .route("/v1/channels", channelRoutes(dependencies))
    .route("/v1/tokens", tokenRoutes(dependencies))
    .route("/v1/failovers", planRoutes(dependencies))
    .route("/v1/failovers", explainRoutes(dependencies))
    .route("/v1/failovers", probeRoutes(dependencies));

  refuseOtherMethods(app);
  return routes;
}

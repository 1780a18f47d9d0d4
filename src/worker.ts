import { probeShard, type ProbeShard } from "./actions/probe-shard.ts";
import { createApp } from "./api/app.ts";
import { jobFor } from "./schedule.ts";
import { createServices } from "./services.ts";

export { Coordinator } from "./coordinator.ts";

type App = ReturnType<typeof createApp>;

/** Making all routes costs more than most requests, and bindings outlive a request. */
const apps = new WeakMap<Env, App>();

function appOf(env: Env): App {
  const known = apps.get(env);
  if (known !== undefined) return known;
  const { settings, ...services } = createServices(env);
  const app = createApp({ ...services, adminToken: settings.adminToken });
  apps.set(env, app);
  return app;
}

export default {
  fetch(request, env, ctx) {
    return appOf(env).fetch(request, env, ctx);
  },

  async scheduled(controller, env) {
    const services = createServices(env);
    const job = jobFor(controller.cron);
    switch (job) {
      case "tick":
        return services.coordinator.tick();
      default:
        return job satisfies never;
    }
  },

  async queue(batch, env) {
    const services = createServices(env);
    for (const message of batch.messages) await probeShard(services, message.body);
  },
} satisfies ExportedHandler<Env, ProbeShard>;

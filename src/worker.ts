import { probeShard, type ProbeShard } from "./actions/probe-shard.ts";
import { createApp } from "./api/app.ts";
import { jobFor } from "./schedule.ts";
import { createServices, type Services } from "./services.ts";

export { Coordinator } from "./coordinator.ts";

function app({ coordinator, reader, settings, clock, log }: Services) {
  return createApp({ coordinator, reader, adminToken: settings.adminToken, clock, log });
}

export default {
  fetch(request, env, ctx) {
    return app(createServices(env)).fetch(request, env, ctx);
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

import { applyD1Migrations, reset } from "cloudflare:test";
import { env, WorkerEntrypoint } from "cloudflare:workers";
import { beforeEach } from "vitest";

/**
 * `@cloudflare/vitest-pool-workers` 0.23.0 puts one more Proxy around the prototype of its Worker wrapper for every
 * event that reaches the Worker, so that each event is slower than the one before: after a thousand, a simulated minute
 * takes seconds. One layer does what all of them do.
 */
function keepOneLayer(): void {
  const layers = new WeakSet<object>();
  globalThis.Proxy = new Proxy(Proxy, {
    construct(native, [target, handler]: [object, ProxyHandler<object>]) {
      if (layers.has(target)) return target;
      const proxy = new native(target, handler);
      if (target instanceof WorkerEntrypoint) layers.add(proxy);
      return proxy;
    },
  });
}

// The setup runs once a test file, all of them in one isolate.
const isolate = globalThis as { keepsOneLayer?: boolean };
if (isolate.keepsOneLayer !== true) {
  isolate.keepsOneLayer = true;
  keepOneLayer();
}

beforeEach(async () => {
  await reset();
  await applyD1Migrations(
    env.DB,
    (env as unknown as { TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1] }).TEST_MIGRATIONS,
  );
});

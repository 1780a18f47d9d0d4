import { applyD1Migrations, reset } from "cloudflare:test";
import { env, WorkerEntrypoint } from "cloudflare:workers";
import { afterEach, beforeEach } from "vitest";
import { takeLeaks, watchAnew, watchLog } from "./secrets-watch.ts";

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

interface Isolate {
  readonly __vitest_mocker__: { moduleRunner: { import(id: string): Promise<unknown> } };
  keepsOneLayer?: boolean;
}

/**
 * For every event, too, it imports the Worker anew, and asks Vitest's process each time where that lies: a third of the
 * time of a story. It doesn't move.
 */
function importOnce({ __vitest_mocker__: { moduleRunner } }: Isolate): void {
  const importAnew = moduleRunner.import.bind(moduleRunner);
  let worker: unknown;
  moduleRunner.import = async (id) => {
    if (!id.endsWith("/test/worker-under-test.ts")) return importAnew(id);
    worker ??= await importAnew(id);
    return worker;
  };
}

// The setup runs once a test file, all of them in one isolate.
const isolate = globalThis as unknown as Isolate;
if (isolate.keepsOneLayer !== true) {
  isolate.keepsOneLayer = true;
  keepOneLayer();
  importOnce(isolate);
}

watchLog();

beforeEach(async () => {
  await reset();
  await applyD1Migrations(
    env.DB,
    (env as unknown as { TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1] }).TEST_MIGRATIONS,
  );
  await watchAnew();
});

// DESIGN section 6, 8: whatever a test is about, no secret is seen on the way.
afterEach(async () => {
  const leaks = await takeLeaks();
  if (leaks.length > 0) throw new Error(`secrets were seen: ${leaks.join("; ")}`);
});

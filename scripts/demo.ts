// `npm run demo`: the service and the simulated Cloudflare on a fast clock, and the whole story, seen with a visitor's eyes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startCron } from "./cron.ts";
import { startLocalAccount } from "./local-account.ts";
import { createNarrator, StoryEnds, tableOf } from "./narrator.ts";
import { freePort } from "./ports.ts";
import { tellStory } from "./story.ts";
import { untilSignal } from "./until-signal.ts";

/** A minute passes in three seconds. */
const RATE = 20;
const PATIENCE_MS = 20_000;
const ADMIN_TOKEN = "demo-admin-token";

async function play(directory: string): Promise<boolean> {
  const startedAt = Date.now();
  console.log(`Starting the service and a simulated Cloudflare; a minute takes ${60 / RATE} seconds here …`);
  const account = await startLocalAccount({
    port: await freePort(),
    simulatorPort: await freePort(),
    directory,
    adminToken: ADMIN_TOKEN,
    rate: RATE,
    epochMs: startedAt,
    watch: false,
  });
  const signal = untilSignal();
  const cron = startCron(account.url, 60_000 / RATE, (why) => console.error(why));
  const narrator = createNarrator(RATE, PATIENCE_MS);
  let ending = "";
  try {
    const interrupted = signal.then((name) => {
      throw new StoryEnds(`stopped by ${name}`);
    });
    await Promise.race([tellStory({ ...account, adminToken: ADMIN_TOKEN }, narrator), interrupted]);
  } catch (error) {
    ending = error instanceof StoryEnds ? error.message : String(error);
  } finally {
    cron.stop();
    await account.stop();
  }
  const { observations } = narrator;
  const good = observations.filter(({ expected, seen }) => expected === seen).length;
  console.log(`\n${tableOf(observations, RATE)}\n`);
  if (ending !== "") console.log(`The story ended early: ${ending}`);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.log(
    `${good} of ${observations.length} observations as expected, in ${seconds} seconds (“after” is in the demo's own time).`,
  );
  return ending === "" && good === observations.length;
}

const directory = await mkdtemp(path.join(tmpdir(), "understudy-demo-"));
let isGood = false;
try {
  isGood = await play(directory);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.exit(isGood ? 0 : 1);

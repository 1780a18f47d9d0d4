// `npm start`: everything on this machine, with no account and no network.
//   PORT, SIMULATOR_PORT   where to listen (8787, 8788)
//   STATE                  where to keep what has to survive a restart (.wrangler)
//   CLOCK_RATE             how many times faster than real time to live (1)
//   --watch                build anew whenever a source file changes
import path from "node:path";
import { startCron } from "./cron.ts";
import { firstFailover } from "./first-failover.ts";
import { startLocalAccount } from "./local-account.ts";
import { readLocalState } from "./local-state.ts";
import { readPort, requireFree } from "./ports.ts";
import { untilSignal } from "./until-signal.ts";

const MINUTE_MS = 60_000;

function readRate(): number {
  const rate = Number(process.env["CLOCK_RATE"] ?? "1");
  if (!(rate >= 1 && rate <= 60)) throw new Error("CLOCK_RATE must be a number from 1 to 60.");
  return rate;
}

function printSteps(place: Parameters<typeof firstFailover>[0]): void {
  console.log("The first failover, to copy line by line:\n");
  for (const { title, commands } of firstFailover(place)) {
    if (title !== "") console.log(`  # ${title}`);
    for (const command of commands) console.log(`  ${command}`);
    console.log("");
  }
}

async function main(): Promise<void> {
  const port = readPort("PORT", 8787);
  const simulatorPort = readPort("SIMULATOR_PORT", 8788);
  if (port === simulatorPort) throw new Error(`PORT and SIMULATOR_PORT are both ${port}: they must differ.`);
  await requireFree(port, "PORT");
  await requireFree(simulatorPort, "SIMULATOR_PORT");
  const rate = readRate();
  // A state lives at one pace: going on at another would be a jump of the clock.
  const directory = path.resolve(
    process.env["STATE"] || ".wrangler",
    rate === 1 ? "local" : `local-x${rate}`,
  );
  const { adminToken, dataKey, epochMs } = await readLocalState(directory);
  const watch = process.argv.includes("--watch");

  console.log("Starting (a few seconds) …");
  const account = await startLocalAccount({
    port,
    simulatorPort,
    directory,
    adminToken,
    dataKey,
    rate,
    epochMs,
    watch,
  });
  const signal = untilSignal();
  const cron = startCron(account.url, MINUTE_MS / rate, (why) => console.error(why));

  const { url, simulatorUrl } = account;
  const every = rate === 1 ? "every minute" : `every ${MINUTE_MS / rate / 1000} s, which is a minute here`;
  console.log(`
  Understudy              ${url}   admin token: ${adminToken}
  Cloudflare, simulated   ${simulatorUrl}   zone example.com, origin origin.example.net, Pages project shop
  The cron                fires ${every}
  State                   ${path.relative(process.cwd(), directory) || "."}   survives a restart; remove it to begin anew
`);
  printSteps({ url, simulatorUrl, adminToken });
  console.log("Ctrl-C stops everything.");

  await signal;
  console.log("\nStopping …");
  cron.stop();
  await account.stop();
  console.log("Stopped.");
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

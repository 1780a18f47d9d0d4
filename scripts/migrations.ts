import { spawn } from "node:child_process";
import path from "node:path";

/** Brings the local D1 up to date, as `wrangler deploy`'s users do with `--remote`. Throws with what wrangler said. */
export function applyMigrations(root: string, state: string): Promise<void> {
  const wrangler = path.join(root, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "d1", "migrations", "apply", "DB", "--local", "--persist-to", state];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    // Without a terminal and with CI, it doesn't ask whether it may.
    env: { ...process.env, CI: "true" },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The migrations of D1 could not be applied.\n${said}`));
    });
  });
}

// `npm run check`: everything but the tests that a change has to pass. It runs all, and shows what failed.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { OFFLINE_AND_QUIET } from "./offline.ts";

interface Check {
  readonly name: string;
  /** What is wrong, in words; null where nothing is. */
  readonly run: () => Promise<string | null>;
}

const ROOT = path.join(import.meta.dirname, "..");

/** A tool of node_modules/.bin, which npm puts first in the path. */
function tool(name: string, command: string): Check {
  const [file = "", ...args] = command.split(" ");
  return {
    name,
    run: () =>
      new Promise((resolve) => {
        const options = {
          cwd: ROOT,
          env: { ...process.env, ...OFFLINE_AND_QUIET, CI: "true" },
          maxBuffer: 20_000_000,
        };
        execFile(file, args, options, (error, stdout, stderr) => {
          resolve(error === null ? null : `${error.message}\n${stdout}${stderr}`.trim());
        }).stdin?.end();
      }),
  };
}

/** An address in the lock file is one registry's, and every other machine has another. */
const lock: Check = {
  name: "the lock file names no registry",
  async run() {
    const lines = (await readFile(path.join(ROOT, "package-lock.json"), "utf8")).split("\n");
    const found = lines.flatMap((line, at) => (/"resolved":/.test(line) ? [`line ${at + 1}:${line}`] : []));
    if (found.length === 0) return null;
    const more = found.length > 3 ? `\n… and ${found.length - 3} more` : "";
    return `Delete the "resolved" members of package-lock.json:\n${found.slice(0, 3).join("\n")}${more}`;
  },
};

const CHECKS: readonly Check[] = [
  tool("format", "oxfmt --check ."),
  tool("lint, with types", "oxlint --type-aware --deny-warnings ."),
  tool("types", "tsc -p ."),
  tool("architecture", "vitest run --project unit test/architecture.test.ts"),
  tool(
    "binding types are up to date",
    "wrangler types --include-runtime=true --check worker-configuration.d.ts",
  ),
  tool("docs/checks.md is up to date", "node scripts/checks-table.ts --check"),
  tool("build", "wrangler deploy --dry-run --outdir dist --minify"),
  lock,
];

let failed = 0;
for (const { name, run } of CHECKS) {
  const since = Date.now();
  const wrong = await run();
  const seconds = ((Date.now() - since) / 1000).toFixed(1);
  console.log(`${wrong === null ? "✓" : "✗"} ${name} (${seconds} s)`);
  if (wrong !== null) {
    failed += 1;
    console.log(`\n${wrong}\n`);
  }
}
if (failed > 0) console.log(`${failed} of ${CHECKS.length} checks failed.`);
process.exit(failed === 0 ? 0 : 1);

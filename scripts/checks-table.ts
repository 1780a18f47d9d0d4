// Writes docs/checks.md from the checks themselves, one row each. `--check` says whether it is up to date.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Check } from "../src/failover/preflight/check.ts";
import { CHECKS } from "../src/failover/preflight/preflight.ts";

const ROOT = path.join(import.meta.dirname, "..");
const FILE = path.join(ROOT, "docs/checks.md");

const INTRODUCTION = [
  "# Preflight's checks",
  "<!-- Made by `npm run docs` from src/failover/preflight/: change it there. -->",
  [
    "`GET /v1/failovers/{id}/preflight` runs them all for a failover, `POST /v1/preflight` for a spec that is not saved",
    "yet. Each answers `pass`, `warn`, `fail` or `unknown`, with what was seen, what it means and what to do. Where one",
    "failure explains another, only the first one fails. A failure refuses a promotion under the guard that is named;",
    "where that says _production_, it does so only on the way to production. `{endpoint}` stands for `primary` or",
    "`secondary`, and `…/reconcile` for `/v1/failovers/{id}/reconcile`.",
  ].join("\n"),
].join("\n\n");

/** In a cell of a table. */
const cell = (text: string): string => text.replaceAll("|", "\\|");

function rowOf(check: Check): string {
  const guard = check.worst === "warn" ? "–" : `\`${check.guard ?? "preflight-failed"}\``;
  const production = check.production === true && check.worst === "fail" ? ", production" : "";
  const permission =
    check.permission === undefined ? "–" : `${check.permission.group} (${check.permission.scope})`;
  const cells = [
    `\`${check.id}\``,
    check.asks,
    check.worst,
    `${check.means[0]?.toUpperCase() ?? ""}${check.means.slice(1)}.`,
    check.remedy,
    `${guard}${production}`,
    permission,
    check.documentation,
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}

const HEAD = [
  "check",
  "asks",
  "worst",
  "a bad answer means",
  "remedy",
  "guard",
  "needs",
  "Cloudflare's page",
];

function table(): string {
  return [`| ${HEAD.join(" | ")} |`, `| ${HEAD.map(() => "---").join(" | ")} |`, ...CHECKS.map(rowOf)].join(
    "\n",
  );
}

/** As the formatter leaves it: otherwise the one would undo the other. */
async function formatted(text: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "checks-"));
  try {
    const file = path.join(folder, "checks.md");
    await writeFile(file, text);
    const config = path.join(ROOT, ".oxfmtrc.json");
    await promisify(execFile)("oxfmt", ["--config", config, "--write", file]);
    return await readFile(file, "utf8");
  } finally {
    await rm(folder, { recursive: true });
  }
}

const wanted = await formatted(`${INTRODUCTION}\n${table()}\n`);
if (process.argv.includes("--check")) {
  const is = await readFile(FILE, "utf8").catch(() => "");
  if (is !== wanted) {
    console.error("docs/checks.md is not what the checks say: run npm run docs");
    process.exit(1);
  }
} else {
  await writeFile(FILE, wanted);
  console.log(`docs/checks.md: ${CHECKS.length} checks`);
}

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

/** DESIGN section 3, from the top down: a part may import itself and what stands below it. */
const ORDER = [
  "worker.ts",
  "client.ts",
  "schedule.ts",
  "coordinator.ts",
  "services.ts",
  "settings.ts",
  "clock.ts",
  "api",
  "dashboard",
  "actions",
  "cloudflare",
  "probing",
  "notifications",
  "webhooks",
  "store",
  "failover",
];

interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Comments become blanks, so that lines keep their numbers; what stands in strings stays. */
function withoutComments(source: string): string {
  const stringsAndComments =
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[^]*?\*\/|(?<!\\)\/\/[^\n]*/g;
  return source.replaceAll(stringsAndComments, (all, text: string | undefined) =>
    text === undefined ? all.replaceAll(/[^\n]/g, " ") : all,
  );
}

/** Static imports with and without names, re-exports, dynamic imports and import types. */
function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const forms = [
    /^[ \t]*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
    /^[ \t]*import\s*["']([^"']+)["']/gm,
    /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  return forms.flatMap((form) =>
    [...code.matchAll(form)].map((match) => ({
      specifier: match[1] ?? "",
      line: code.slice(0, match.index).split("\n").length,
    })),
  );
}

/** The part of src that a path belongs to: a file at the top, else its first folder. */
const partOf = (file: string): string => file.split("/")[0] ?? file;

function importProblem(file: string, specifier: string): string | null {
  const part = partOf(file);
  if (!specifier.startsWith(".")) {
    const isAllowed = part !== "failover" || specifier === "zod";
    return isAllowed ? null : "failover/ imports only zod and itself";
  }
  const target = path.posix.join("src", path.posix.dirname(file), specifier);
  if (!target.startsWith("src/")) return "src imports nothing from outside of src";
  const targetPart = partOf(target.slice("src/".length));
  const [from, to] = [ORDER.indexOf(part), ORDER.indexOf(targetPart)];
  if (to === -1) return `${targetPart} is not in the layout`;
  return to >= from ? null : `${targetPart} stands above ${part}`;
}

interface Ban {
  readonly what: RegExp;
  readonly allowedIn: (file: string) => boolean;
  readonly why: string;
}

const BANS: readonly Ban[] = [
  {
    what: /\.\s*prepare\s*\(/g,
    allowedIn: (file) => partOf(file) === "store",
    why: "only store/ contains SQL",
  },
  {
    what: /\benv\s*(?:\?\.|\.)\s*[A-Z][A-Z0-9_]*\b|\benv\s*(?:\?\.)?\[|\{[^{}]*\}\s*(?::[^=;]*)?=\s*(?:this\.)?env\b|\bprocess\.env\b/g,
    allowedIn: (file) => file === "settings.ts" || file === "services.ts",
    why: "only settings.ts and services.ts read env by name",
  },
  {
    what: /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bcrypto\b|\bfetch\s*\(|\bperformance\.now\b|\bset(?:Timeout|Interval)\b/g,
    allowedIn: (file) => partOf(file) !== "failover",
    why: "failover/ has no clock, no chance and no I/O",
  },
];

/** Every broken rule of one file, each with the file, the line and what stands there. */
function problemsOf(file: string, source: string): string[] {
  if (!ORDER.includes(partOf(file))) return [`src/${file}: ${partOf(file)} is not in the layout`];
  const code = withoutComments(source);
  const imports = importsOf(source).flatMap(({ specifier, line }) => {
    const problem = importProblem(file, specifier);
    return problem === null ? [] : [`src/${file}:${line} imports ${specifier}: ${problem}`];
  });
  const bans = BANS.filter(({ allowedIn }) => !allowedIn(file)).flatMap(({ what, why }) =>
    [...code.matchAll(what)].map((match) => {
      const line = code.slice(0, match.index).split("\n").length;
      return `src/${file}:${line} has ${match[0].trim()}: ${why}`;
    }),
  );
  return [...imports, ...bans];
}

function sourceFiles(): string[] {
  const root = path.join(import.meta.dirname, "..", "src");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => /\.[cm]?[jt]sx?$/.test(file) && !file.endsWith(".d.ts"))
    .toSorted();
}

const sourceOf = (file: string): string =>
  readFileSync(path.join(import.meta.dirname, "..", "src", file), "utf8");

describe("the source", () => {
  test("is there, the core at least", () => {
    expect(sourceFiles()).toContain("failover/plan.ts");
  });

  test("points downward only, and keeps SQL, env, clock and I/O in their places", () => {
    expect(sourceFiles().flatMap((file) => problemsOf(file, sourceOf(file)))).toStrictEqual([]);
  });

  test("is read import by import: as many as there are lines that begin one", () => {
    for (const file of sourceFiles()) {
      const source = sourceOf(file);
      const statements = withoutComments(source).match(
        /^import\b(?!\()|^export\s+(?:type\s+)?(?:\{|\*)[^;]*?\bfrom\b/gm,
      );
      const found = importsOf(source).length;
      expect(found, `imports of src/${file}`).toBeGreaterThanOrEqual(statements?.length ?? 0);
    }
  });
});

describe("what breaks the rules is found, with its file and line", () => {
  test.each([
    ["failover/x.ts", 'import { a } from "../store/a.ts";', "store stands above failover"],
    ["failover/x.ts", 'import type { A } from "../store/a.ts";', "store stands above failover"],
    ["failover/x.ts", 'import {\n  a,\n  type B,\n} from "../store/a.ts";', "src/failover/x.ts:1"],
    [
      "failover/x.ts",
      '\nexport { a } from "../actions/a.ts";',
      "src/failover/x.ts:2 imports ../actions/a.ts",
    ],
    ["failover/x.ts", 'export * from "../actions/a.ts";', "actions stands above failover"],
    ["failover/x.ts", 'const a = await import("../actions/a.ts");', "actions stands above failover"],
    ["failover/x.ts", 'type A = import("../actions/a.ts").A;', "actions stands above failover"],
    ["failover/x.ts", 'import "../actions/a.ts";', "actions stands above failover"],
    ["failover/x.ts", 'import { Hono } from "hono";', "only zod and itself"],
    ["failover/x.ts", 'import { env } from "cloudflare:workers";', "only zod and itself"],
    ["failover/deep/x.ts", 'import { a } from "../../store/a.ts";', "store stands above failover"],
    ["failover/x.ts", "const now = Date.now();", "no clock"],
    ["failover/x.ts", "const now = new Date();", "no clock"],
    ["failover/x.ts", "const id = Math.random();", "no clock, no chance"],
    ["failover/x.ts", "const id = crypto.randomUUID();", "no clock, no chance"],
    ["failover/x.ts", "await fetch(url);", "no I/O"],
    ["store/x.ts", 'import { a } from "../api/a.ts";', "api stands above store"],
    ["api/routes/x.ts", 'import { a } from "../../services.ts";', "services.ts stands above api"],
    ["services.ts", 'import { a } from "./coordinator.ts";', "coordinator.ts stands above services.ts"],
    ["settings.ts", 'import { a } from "./services.ts";', "services.ts stands above settings.ts"],
    ["actions/x.ts", 'import { a } from "../dashboard/a.tsx";', "dashboard stands above actions"],
    ["actions/x.ts", 'import { a } from "../../test/simulator/world.ts";', "nothing from outside of src"],
    ["actions/x.ts", 'import { a } from "../../scripts/start.ts";', "nothing from outside of src"],
    ["actions/x.ts", 'import { a } from "../utils/a.ts";', "utils is not in the layout"],
    ["utils/x.ts", "", "utils is not in the layout"],
    ["actions/x.ts", 'db.prepare("SELECT 1");', "only store/ contains SQL"],
    ["actions/x.ts", 'db\n  .prepare("SELECT 1");', "only store/ contains SQL"],
    ["actions/x.ts", "const token = env.CF_API_TOKEN;", "only settings.ts and services.ts"],
    ["worker.ts", "const token = this.env.CF_API_TOKEN;", "only settings.ts and services.ts"],
    ["worker.ts", 'const token = env["CF_API_TOKEN"];', "only settings.ts and services.ts"],
    ["worker.ts", "const { DB, PROBES } = env;", "only settings.ts and services.ts"],
    ["coordinator.ts", "const { DB } = this.env;", "only settings.ts and services.ts"],
  ])("%s: %s", (file, source, problem) => {
    expect(problemsOf(file, source)).toStrictEqual([expect.stringContaining(problem)]);
  });

  test.each([
    ["worker.ts", 'import { a } from "./services.ts";\nimport { b } from "./api/app.ts";'],
    ["coordinator.ts", 'import { DurableObject } from "cloudflare:workers";\ncreateServices(env);'],
    ["api/routes/x.ts", 'import { Hono } from "hono";\nimport { a } from "../../failover/a.ts";'],
    ["services.ts", "const db = env.DB;"],
    ["settings.ts", "const { CF_API_TOKEN } = env;"],
    ["store/x.ts", 'db.prepare("SELECT 1");'],
    ["failover/x.ts", 'import { z } from "zod";\nimport { a } from "./a.ts";\nnew Date(at).toISOString();'],
    [
      "failover/x.ts",
      '// Date.now() would be wrong here, as would fetch(url)\n/* import a from "../api/a.ts" */',
    ],
  ])("%s: %s is in order", (file, source) => {
    expect(problemsOf(file, source)).toStrictEqual([]);
  });
});

// Types the lines that a terminal shows into a shell, and hands back what each of them answered.
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const BETWEEN = "=====";

/** A machine without curl gets one that can do what these lines need. */
function pathWithCurl(): string {
  const given = process.env["PATH"] ?? "";
  try {
    execFileSync("curl", ["--version"], { stdio: "ignore" });
    return given;
  } catch {
    const directory = mkdtempSync(path.join(tmpdir(), "understudy-curl-"));
    const file = path.join(directory, "curl");
    const script = path.join(import.meta.dirname, "curl.ts");
    writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    chmodSync(file, 0o755);
    return `${directory}${path.delimiter}${given}`;
  }
}

/** The commands among what was said, in their order. */
export function commandsIn(said: string): string[] {
  return said
    .split("\n")
    .filter((line) => /^ {2}(export|curl|until) /.test(line))
    .map((line) => line.trim());
}

export async function typeLines(commands: readonly string[], withinMs: number): Promise<string[]> {
  const script = commands.map((command) => `${command}\necho ${BETWEEN}`).join("\n");
  const said = await new Promise<string>((resolve, reject) => {
    const options = { timeout: withinMs, env: { ...process.env, PATH: pathWithCurl() } };
    execFile("sh", ["-e", "-c", script], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
    });
  });
  return said.split(`${BETWEEN}\n`).slice(0, -1);
}

// npm scripts as a person runs them: in a process group of their own, which ctrl-C reaches as a whole.
import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export const ROOT = path.join(import.meta.dirname, "../..");

export interface Running {
  readonly child: ChildProcess;
  /** All that it said on both streams so far. */
  said(): string;
  /** What it said on stderr so far. */
  complained(): string;
  /** Waits until it says this; fails with all that it said where it ends before. */
  until(text: string, withinMs: number): Promise<void>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** What the terminal does at ctrl-C. */
  pressCtrlC(): void;
  /** Processes of the group that still run. */
  left(): number[];
}

/** Linux tells it in /proc, without ps, which a bare machine lacks; a zombie runs no more. */
function membersOf(group: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [state, , pgrp] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return Number(pgrp) === group && state !== "Z" ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
}

export function runNpm(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn("npm", args, {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const group = child.pid ?? 0;
  let all = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    all += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    all += chunk.toString();
    errors += chunk.toString();
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  return {
    child,
    ended,
    said: () => all,
    complained: () => errors,
    async until(text, withinMs) {
      const patience = Date.now() + withinMs;
      while (!all.includes(text)) {
        if (child.exitCode !== null || Date.now() > patience)
          throw new Error(`never said "${text}":\n${all}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    pressCtrlC() {
      process.kill(-group, "SIGINT");
    },
    left: () => membersOf(group),
  };
}

/** After a failed test nothing may go on running. */
export function clearAway(running: Running | undefined): void {
  for (const pid of running?.left() ?? []) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended in this very moment.
    }
  }
}

// How the demo talks: a line for each act, a live one while it waits, and a table of what was expected and seen.

export interface Observation {
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
  /** ms of real time until it was seen, or until patience ran out. */
  readonly tookMs: number;
}

/** Thrown when the story can't go on, because what it rests on was not seen. */
export class StoryEnds extends Error {}

export interface Narrator {
  readonly observations: readonly Observation[];
  /** A heading: what happens now. */
  readonly act: (text: string) => void;
  /** A remark under it. */
  readonly say: (text: string) => void;
  /** Looks until it sees what is expected; the story ends here where that doesn't come. */
  readonly observe: (what: string, expected: string, look: () => Promise<string>) => Promise<void>;
}

const LOOK_EVERY_MS = 150;
const SHOW_EVERY_MS = 1000;

async function seenBy(look: () => Promise<string>): Promise<string> {
  try {
    return await look();
  } catch (error) {
    return `an error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function createNarrator(rate: number, patienceMs: number): Narrator {
  const observations: Observation[] = [];
  const startedAt = Date.now();
  const isLive = process.stdout.isTTY;
  const clock = () => `${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s `;
  const erase = () => {
    if (isLive) process.stdout.write("\r\u001b[2K");
  };

  return {
    observations,
    act: (text) => console.log(`\n${clock()} ${text}`),
    say: (text) => console.log(`         ${text}`),
    async observe(what, expected, look) {
      const since = Date.now();
      let shown = { text: "", at: 0 };
      for (;;) {
        const seen = await seenBy(look);
        const tookMs = Date.now() - since;
        if (seen === expected || tookMs >= patienceMs) {
          observations.push({ what, expected, seen, tookMs });
          erase();
          console.log(`       ${seen === expected ? "✓" : "✗"} ${what}: ${seen} (${spell(tookMs, rate)})`);
          if (seen !== expected) throw new StoryEnds(`expected "${expected}"`);
          return;
        }
        const isNews = seen !== shown.text;
        if (isLive || isNews) {
          const line = `       … ${what}: ${seen}, waiting for ${expected}`;
          if (isLive && (isNews || Date.now() - shown.at >= SHOW_EVERY_MS)) {
            erase();
            process.stdout.write(`${line} (${Math.round((tookMs * rate) / 1000)} s)`);
            shown = { text: seen, at: Date.now() };
          } else if (!isLive) {
            console.log(line);
            shown = { text: seen, at: Date.now() };
          }
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    },
  };
}

/** A duration as the demo's own clock counts it. */
export function spell(tookMs: number, rate: number): string {
  const seconds = Math.round((tookMs * rate) / 1000);
  if (tookMs < 2 * LOOK_EVERY_MS) return "at once";
  return seconds < 100 ? `${seconds} s` : `${(seconds / 60).toFixed(1)} min`;
}

export function tableOf(observations: readonly Observation[], rate: number): string {
  const rows = observations.map(({ what, expected, seen, tookMs }) => [
    seen === expected ? "✓" : "✗",
    what,
    expected,
    seen,
    spell(tookMs, rate),
  ]);
  const all = [["", "observation", "expected", "seen", "after"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const [head = "", ...body] = lines;
  return [head, "-".repeat(Math.max(...lines.map((line) => line.length))), ...body]
    .map((line) => `  ${line}`)
    .join("\n");
}

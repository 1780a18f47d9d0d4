// What our Worker writes to its log, for a person at a terminal: warnings and errors, one line each.

export interface RuntimeLog {
  readonly level: string;
  readonly message: string;
}

function parsed(message: string): Record<string, unknown> | null {
  try {
    const entry: unknown = JSON.parse(message);
    return typeof entry === "object" && entry !== null ? { ...entry } : null;
  } catch {
    return null;
  }
}

function lineOf({ level, message }: RuntimeLog): string | null {
  const entry = parsed(message);
  if (entry === null) return level === "error" || level === "warn" ? `${level}: ${message}` : null;
  const { level: own, message: sentence, ...facts } = entry;
  if (own !== "error" && own !== "warn") return null;
  const more = Object.entries(facts).map(([name, value]) => `${name}=${String(value)}`);
  return `${own}: ${String(sentence)}${more.length === 0 ? "" : ` (${more.join(", ")})`}`;
}

export function printLog(log: RuntimeLog): void {
  const line = lineOf(log);
  if (line !== null) console.error(line);
}

// What one machine remembers from start to start, beside D1 and the Durable Objects: the admin token and the clock's epoch.
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

async function readOrMake(file: string, make: () => string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    const made = make();
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${made}\n`, { mode: 0o600 });
    return made;
  }
}

export interface LocalState {
  readonly adminToken: string;
  /** What the secrets of channels in that state are sealed with. */
  readonly dataKey: string;
  /** When a faster clock set out from real time: after a restart it must not jump back. */
  readonly epochMs: number;
}

export async function readLocalState(directory: string): Promise<LocalState> {
  const newToken = () => `local-${randomBytes(12).toString("hex")}`;
  const newKey = () => randomBytes(32).toString("base64");
  const [adminToken, dataKey, epoch] = await Promise.all([
    readOrMake(path.join(directory, "admin-token"), newToken),
    readOrMake(path.join(directory, "data-key"), newKey),
    readOrMake(path.join(directory, "clock-epoch"), () => String(Date.now())),
  ]);
  return { adminToken, dataKey, epochMs: Number(epoch) };
}

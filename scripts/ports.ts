import { createServer } from "node:net";

export const HOSTNAME = "127.0.0.1";

/** A port as an environment variable gives it; an empty one is as good as none. */
export function readPort(name: string, fallback: number): number {
  const text = process.env[name] ?? "";
  if (text === "") return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${name} must be a port, 1 to 65535, and not "${text}".`);
  return port;
}

function listenOn(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, HOSTNAME, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : port));
    });
  });
}

/** A port that nobody listens on; the system chooses it. */
export function freePort(): Promise<number> {
  return listenOn(0);
}

/** Throws, with the variable that chooses another one, where somebody listens on the port already. */
export async function requireFree(port: number, variable: string): Promise<void> {
  try {
    await listenOn(port);
  } catch (error) {
    const why =
      error instanceof Error && "code" in error && error.code === "EACCES" ? "not allowed" : "taken";
    throw new Error(`Port ${port} is ${why}. Choose another one: ${variable}=${port + 100} npm start`, {
      cause: error,
    });
  }
}

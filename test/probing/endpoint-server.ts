// A real endpoint on 127.0.0.1 for the tests that run in workerd, which can't listen itself.
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Ports on 127.0.0.1; `closed` is one where nobody listens. */
    readonly endpointPorts: {
      readonly http: number;
      readonly hangingUp: number;
      readonly silent: number;
      readonly closed: number;
    };
  }
}

async function listening(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the endpoint server has no port");
  return address.port;
}

export default async function setup(project: TestProject): Promise<() => void> {
  const http = createServer((request, response) => {
    response.setHeader("x-asked-for", request.headers.host ?? "");
    if (request.url === "/moved") response.writeHead(302, { location: "/" });
    // Two writes, so that Node sends it in chunks.
    response.write("<title>asked for ");
    response.end(`${request.headers.host ?? "nobody"}</title>`);
  });
  const hangingUp = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.destroy());
  });
  const silent = createTcpServer((socket) => socket.on("error", () => undefined));
  const gone = createTcpServer();
  const closed = await listening(gone);
  await new Promise((resolve) => {
    gone.close(resolve);
  });
  project.provide("endpointPorts", {
    http: await listening(http),
    hangingUp: await listening(hangingUp),
    silent: await listening(silent),
    closed,
  });
  return () => {
    http.closeAllConnections();
    for (const server of [http, hangingUp, silent]) server.close();
  };
}

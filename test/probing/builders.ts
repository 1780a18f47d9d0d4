// Targets, and a small Internet that answers as a test says.
import type { ProbeTarget } from "../../src/probing/targets.ts";
import type { Connect, Fetch } from "../../src/probing/ways.ts";

export const SECRET = "let-me-pass-7c1f";

export function aTarget(more: Partial<ProbeTarget> = {}): ProbeTarget {
  return {
    kind: "endpoint",
    scheme: "http",
    address: "origin.example.net",
    port: 80,
    path: "/",
    host: "www.example.com",
    method: "GET",
    expectedCodes: "200",
    expectedBody: "",
    followRedirects: true,
    allowInsecure: false,
    timeoutMs: 200,
    headers: [],
    markers: {},
    viaCloudflare: false,
    ...more,
  };
}

export const forbiddenFetch: Fetch = () => Promise.reject(new Error("fetch was not to be used"));
export const forbiddenConnect: Connect = () => {
  throw new Error("connect was not to be used");
};

/** A service that answers as the function says, and what it was asked. */
export function anEgress(answer: (request: Request) => Response | Promise<Response>) {
  const asked: Request[] = [];
  const fetch: Fetch = async (request) => {
    asked.push(request);
    return answer(request);
  };
  return { asked, egress: { fetch } };
}

import type { State } from "../state.ts";

/** An answer that says no: HTTP status, Cloudflare's code and text (API-FACTS 1.3 and 3). */
export class Refusal extends Error {
  readonly status: number;
  /** null = the error comes without one. */
  readonly code: number | null;
  readonly chain: { code: number; message: string }[];

  constructor(
    status: number,
    code: number | null,
    message: string,
    chain: { code: number; message: string }[] = [],
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.chain = chain;
  }
}

/** Messages of code 1002 end alike (API-FACTS 3). */
export function invalid(message: string): Refusal {
  return new Refusal(400, 1002, `${message}: validation failed`);
}

/** The code of an exceeded quota is open (API-FACTS 3). */
export function overQuota(state: State, what: string): Refusal {
  if (state.switches.exceededQuota === "403/1004") return new Refusal(403, 1004, `Exceeded quota of ${what}`);
  return invalid(`exceeded quota of ${what}`);
}

export function notFound(): Refusal {
  return new Refusal(404, 1001, "not found");
}

export function notUnique(): Refusal {
  return new Refusal(400, 1003, "value not unique");
}

export function unroutable(): Refusal {
  return new Refusal(
    400,
    7003,
    "Could not route to the requested path, perhaps your object identifier is invalid?",
  );
}

export function authenticationError(): Refusal {
  return new Refusal(403, 10000, "Authentication error");
}

export function unauthorized(): Refusal {
  return new Refusal(403, 9109, "Unauthorized to access requested resource");
}

import type { State } from "./state.ts";

/** 32 hexadecimal characters, the same in every run; the first characters differ too, since a probe's User-Agent shows only 16. */
export function newId(state: State): string {
  state.sequence.value += 1;
  let id = "";
  for (let word = 0; word < 4; word += 1) {
    let hash = Math.imul(state.sequence.value * 4 + word + 1, 0x9e3779b1) ^ 0x5bd1e995;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    id += ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, "0");
  }
  return id;
}

/** Pages projects and deployments and certificate packs have UUIDs (API-FACTS 1.1). */
export function newUuid(state: State): string {
  const hex = newId(state);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** RFC 3339 with microseconds, as Cloudflare writes it; two writes in one millisecond differ. */
export function timestamp(state: State, now: number): string {
  state.sequence.value += 1;
  const micros = String(state.sequence.value % 1000).padStart(3, "0");
  return new Date(now).toISOString().replace("Z", `${micros}Z`);
}

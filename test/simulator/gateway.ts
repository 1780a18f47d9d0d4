// In front of the API: records calls, keeps the budget, carries out faults.
import { noteCall } from "./audit-log.ts";
import { createApi } from "./api/app.ts";
import type { Post } from "./alerting.ts";
import { block, budgetHeaders, spend, tooManyRequests } from "./budget.ts";
import type { CallRecord, Effect, FaultBook, When } from "./faults.ts";
import { followWrites } from "./health-checks.ts";
import type { CallBindings } from "./api/call.ts";
import { snapshotOf, type State } from "./state.ts";
import type { Wait } from "./waiting.ts";

/** How long a caller without patience of its own waits for an answer that never comes. */
const NEVER_MS = 120_000;

export interface Gateway {
  api(request: Request): Promise<Response>;
  /** Late writes whose moment has come take effect. */
  landLateWrites(): Promise<void>;
}

interface Parts {
  state: State;
  now: () => number;
  wait: Wait;
  faults: FaultBook;
  calls: CallRecord[];
  post: Post;
}

function parse(body: string): unknown {
  if (body === "") return null;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function networkFailure(): TypeError {
  return new TypeError("Network connection lost.");
}

function find<K extends Effect["kind"]>(
  effects: Effect[],
  kind: K,
  when?: When,
): Extract<Effect, { kind: K }> | undefined {
  return effects.find(
    (effect): effect is Extract<Effect, { kind: K }> =>
      effect.kind === kind && (when === undefined || !("when" in effect) || effect.when === when),
  );
}

function statusAnswer(effect: Extract<Effect, { kind: "status" }>): Response {
  const { status, code = 10001, message = "internal error", body = "envelope" } = effect;
  const html = { status, headers: { "content-type": "text/html; charset=UTF-8" } };
  switch (body) {
    case "envelope":
      return Response.json(
        { success: false, errors: [{ code, message }], messages: [], result: null },
        { status },
      );
    case "html":
      return new Response(`<!DOCTYPE html><title>${status}</title><center>${message}</center>`, html);
    case "empty":
      return new Response(null, { status });
    case "null":
      return Response.json(null, { status });
    case "garbage":
      return new Response('{"success": tru', { status, headers: { "content-type": "application/json" } });
    default:
      return body satisfies never;
  }
}

export function createGateway({ state, now, wait, faults, calls, post }: Parts): Gateway {
  const app = createApi();
  /** The account before its last write. */
  let previous = snapshotOf(state);

  async function carryOut(request: Request, write: boolean, bindings: CallBindings): Promise<Response> {
    const before = write ? snapshotOf(state) : previous;
    const response = await app.fetch(request, bindings);
    if (write && response.ok) {
      await noteWrite(request, response);
      previous = before;
      followWrites(state, now());
    }
    return response;
  }

  async function noteWrite(request: Request, response: Response): Promise<void> {
    if (state.switches.auditLog !== "readable") return;
    const written = await response.clone().json<{ result?: { id?: string } | null }>();
    noteCall(state, now(), {
      method: request.method,
      path: new URL(request.url).pathname.replace(/^\/client\/v4/, ""),
      authorization: request.headers.get("authorization"),
      resultId: written.result?.id ?? "",
    });
  }

  async function landLateWrites(): Promise<void> {
    const due = state.lateWrites.filter((late) => late.landsAt <= now());
    if (due.length === 0) return;
    state.lateWrites.splice(
      0,
      state.lateWrites.length,
      ...state.lateWrites.filter((late) => !due.includes(late)),
    );
    for (const late of due.toSorted((left, right) => left.landsAt - right.landsAt)) {
      const request = new Request(late.url, {
        method: late.method,
        headers: { authorization: `Bearer ${state.token.value}`, "content-type": "application/json" },
        ...(late.body === "" ? {} : { body: late.body }),
      });
      await carryOut(request, true, { state, now: now(), post });
    }
  }

  async function answer(request: Request, body: string, call: CallRecord): Promise<Response> {
    const { effects, before, after } = faults.strike(call);
    for (const hook of before) await hook(call);
    const limited = find(effects, "rate-limit");
    if (limited !== undefined) {
      const seconds = limited.retryAfterSeconds ?? 300;
      block(state, now(), seconds);
      return tooManyRequests(state, seconds);
    }
    const blockedFor = call.path === "/ips" ? null : spend(state, now());
    if (blockedFor !== null) return tooManyRequests(state, blockedFor);

    const delay = find(effects, "delay");
    if (delay !== undefined) await wait(delay.ms, request.signal);
    await spoil(effects, "before", request.signal);
    const refused = find(effects, "status", "before");
    if (refused !== undefined) return statusAnswer(refused);

    const late = find(effects, "late");
    if (late !== undefined) {
      const landsAt = now() + late.landsAfterMs;
      state.lateWrites.push({ landsAt, method: request.method, url: request.url, body });
      await wait(NEVER_MS, request.signal);
      throw networkFailure();
    }
    const partial = find(effects, "partial-list");
    const stale =
      find(effects, "stale-list") !== undefined || (state.switches.lists === "lag-one-write" && isList(call));
    const bindings: CallBindings = {
      state: stale && !call.write ? previous : state,
      now: now(),
      post,
      ...(partial === undefined ? {} : { omit: partial.omit }),
    };
    const copy = new Request(request.url, {
      method: request.method,
      headers: request.headers,
      ...(body === "" || request.method === "GET" ? {} : { body }),
    });
    const response = await carryOut(copy, call.write, bindings);
    call.status = response.status;
    for (const hook of after) await hook(call);
    await spoil(effects, "after", request.signal);
    const lost = find(effects, "status", "after");
    if (lost !== undefined) return statusAnswer(lost);
    const denied = find(effects, "success-false");
    if (denied !== undefined) {
      const { code, message } = denied;
      return Response.json({ success: false, errors: [{ code, message }], messages: [], result: null });
    }
    return response;
  }

  async function spoil(effects: Effect[], when: When, signal: AbortSignal): Promise<void> {
    if (find(effects, "drop", when) !== undefined) throw networkFailure();
    if (find(effects, "timeout", when) === undefined) return;
    await wait(NEVER_MS, signal);
    throw networkFailure();
  }

  async function api(request: Request): Promise<Response> {
    await landLateWrites();
    const url = new URL(request.url);
    const body = await request.text();
    const path = url.pathname.replace(/^\/client\/v4/, "");
    // A preview runs a check and stores nothing.
    const write = !["GET", "HEAD"].includes(request.method) && !path.endsWith("/preview");
    const call: CallRecord = {
      method: request.method,
      path,
      query: url.search.slice(1),
      body: parse(body),
      at: now(),
      status: 0,
      write,
    };
    calls.push(call);
    const response = await answer(request, body, call);
    call.status = response.status;
    const headed = new Response(response.body, response);
    headed.headers.set("cf-ray", "8d0000000000aaaa-AMS");
    for (const [name, value] of Object.entries(budgetHeaders(state, now()))) headed.headers.set(name, value);
    return headed;
  }

  return { api, landLateWrites };
}

function isList(call: CallRecord): boolean {
  return !call.write && !/[0-9a-f]{32}$|health$|verify$/.test(call.path);
}

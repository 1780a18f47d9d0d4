import { createAccount, type CloudflareAccount } from "../../src/cloudflare/account.ts";
import { createBudget, type Budget } from "../../src/cloudflare/budget.ts";
import { createTransport, type Call } from "../../src/cloudflare/transport.ts";

export const ACCOUNT = "a0000000000000000000000000000001";
export const TOKEN = "test-cloudflare-token-Zx81";

/** The real transport before whatever answers; `asked` has each request as it left. */
export function aTransport(answer: (request: Request) => Response | Promise<Response>): {
  call: Call;
  account: CloudflareAccount;
  budget: Budget;
  asked: Request[];
} {
  const budget = createBudget({ now: () => 0 }, { slots: [], blockedUntil: null });
  const asked: Request[] = [];
  const call = createTransport({
    apiToken: TOKEN,
    baseURL: "https://api.cloudflare.test/client/v4",
    timeoutMs: 100,
    budget,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      asked.push(request.clone());
      return answer(request);
    },
  });
  return { call, account: createAccount(call, ACCOUNT, "person"), budget, asked };
}

export function envelope(result: unknown, more: object = {}, status = 200): Response {
  return Response.json({ success: true, errors: [], messages: [], result, ...more }, { status });
}

export function errorEnvelope(status: number, code: number, message: string): Response {
  return Response.json(
    { success: false, errors: [{ code, message }], messages: [], result: null },
    { status },
  );
}

/** What a promise was rejected with; fails where it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was expected to be rejected");
}

// What Cloudflare's notifications send (API-FACTS 14). Several members can be absent, and of `data` nothing is certain:
// only what kind of alert it is matters.

/** What it posts before a destination can exist; it has no other member than `text`. */
const TEST_TEXT = "Hello World! This is a test message sent from https://cloudflare.com";
const LONGEST_TYPE = 100;

export type ParsedAlert =
  | { readonly ok: true; readonly type: string; readonly isTest: boolean }
  | { readonly ok: false; readonly why: string };

export function parseAlert(body: string): ParsedAlert {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { ok: false, why: "The body is not valid JSON." };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { ok: false, why: "The body is not a JSON object." };
  const { text, alert_type: type }: { text?: unknown; alert_type?: unknown } = value;
  if (typeof type === "string" && type !== "")
    return { ok: true, type: type.slice(0, LONGEST_TYPE), isTest: false };
  if (typeof text !== "string")
    return {
      ok: false,
      why: "The body has neither alert_type nor text: it is none of Cloudflare's notifications.",
    };
  const isTest = Object.keys(value).length === 1 && text.startsWith(TEST_TEXT);
  return { ok: true, type: isTest ? "test" : "message", isTest };
}

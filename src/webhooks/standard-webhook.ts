// Whether a message was signed as https://www.standardwebhooks.com specifies: HMAC-SHA256 over id, timestamp and body,
// by one of several secrets, within five minutes.

export interface Signed {
  readonly id: string | null;
  readonly timestamp: string | null;
  readonly signature: string | null;
  readonly body: string;
}

export type SignatureFault = "missing" | "malformed" | "too-old" | "too-new" | "wrong";

/** Both ways: a message that is late may be a replay, and a clock that is ahead makes tomorrow's replays valid. */
export const TOLERANCE_SECONDS = 300;
/** More than a rotation needs. */
const MOST_SIGNATURES = 10;
const LONGEST_ID = 256;
export const SIGNING_SECRET = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/;

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

async function isSignedBy(
  secret: string,
  signatures: readonly Uint8Array<ArrayBuffer>[],
  content: Uint8Array,
): Promise<boolean> {
  const key = bytesOf(SIGNING_SECRET.exec(secret)?.[1] ?? "");
  if (key === null || key.length === 0) return false;
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, hmac, false, ["verify"]);
  for (const signature of signatures)
    if (await crypto.subtle.verify("HMAC", imported, signature, content)) return true;
  return false;
}

/** Null where all is well. `now` is ms since the epoch; secrets begin with `whsec_`. */
export async function findSignatureFault(
  { id, timestamp, signature, body }: Signed,
  secrets: readonly string[],
  now: number,
): Promise<SignatureFault | null> {
  if (id === null || timestamp === null || signature === null) return "missing";
  if (id === "" || id.length > LONGEST_ID || !/^\d{1,12}$/.test(timestamp)) return "malformed";
  const ageSeconds = Math.floor(now / 1000) - Number(timestamp);
  if (ageSeconds > TOLERANCE_SECONDS) return "too-old";
  if (ageSeconds < -TOLERANCE_SECONDS) return "too-new";
  const signatures = signature
    .split(" ", MOST_SIGNATURES)
    .map((one) => /^v1,([A-Za-z0-9+/]{43}=)$/.exec(one)?.[1])
    .map((one) => (one === undefined ? null : bytesOf(one)))
    .filter((one) => one !== null);
  if (signatures.length === 0) return "malformed";
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  for (const secret of secrets) if (await isSignedBy(secret, signatures, content)) return null;
  return "wrong";
}

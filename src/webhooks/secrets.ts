// Whether a secret is the right one, in a time that says nothing about it.

/** Digests have one length, so that neither the length of a secret nor its first letters show. */
export async function isSameSecret(given: string, expected: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const digests = await Promise.all(
    [given, expected].map((secret) => crypto.subtle.digest("SHA-256", encoder.encode(secret))),
  );
  const [left, right] = digests.map((digest) => new Uint8Array(digest));
  if (left === undefined || right === undefined) return false;
  let difference = 0;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0;
}

/** The bytes in hexadecimal. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

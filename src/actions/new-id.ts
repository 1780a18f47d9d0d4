/** Letters and digits, none of them likelier than another. */
export function randomId(length: number): string {
  const letters = "0123456789abcdefghijklmnopqrstuvwxyz";
  // 252 is the largest multiple of 36 in a byte.
  let id = "";
  while (id.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 252 && id.length < length) id += letters[byte % 36];
    }
  }
  return id;
}

/** `fo`, `op`, `evt` → a new id with that prefix. */
export function newId(prefix: string): string {
  return `${prefix}_${randomId(20)}`;
}

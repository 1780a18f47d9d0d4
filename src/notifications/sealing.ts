// Keeps secrets at rest: AES-GCM under the setting DATA_KEY, bound to the place where they are stored.

/** The key in use, and one that was; what is sealed names which it was. */
export interface DataKeys {
  readonly current: Uint8Array<ArrayBuffer>;
  readonly previous: Uint8Array<ArrayBuffer> | null;
}

export interface Vault {
  /** `place` names where it is stored: it opens nowhere else. */
  seal(text: string, place: string): Promise<string>;
  /** Throws `WrongKey` where neither key is the one. */
  open(sealed: string, place: string): Promise<string>;
  /** False where it should be sealed anew, because the key was changed. */
  isCurrent(sealed: string): Promise<boolean>;
}

/** Its message is for a person, and holds no secret. */
export class WrongKey extends Error {}

const VERSION = "v1";
const IV_BYTES = 12;

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCodePoint(...bytes));
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.codePointAt(0) ?? 0);

interface Key {
  readonly id: string;
  readonly key: CryptoKey;
}

async function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<Key> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const id = [...digest.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id, key };
}

export function createVault({ current, previous }: DataKeys): Vault {
  const keys = Promise.all([importKey(current), previous === null ? null : importKey(previous)]);
  const encoder = new TextEncoder();
  const parameters = (iv: Uint8Array<ArrayBuffer>, place: string) => ({
    name: "AES-GCM",
    iv,
    additionalData: encoder.encode(place),
  });
  return {
    async seal(text, place) {
      const [{ id, key }] = await keys;
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt(parameters(iv, place), key, encoder.encode(text));
      return [VERSION, id, toBase64(iv), toBase64(new Uint8Array(sealed))].join(".");
    },

    async open(sealed, place) {
      const [version, id, iv, text] = sealed.split(".");
      const found = (await keys).find((one) => one?.id === id) ?? null;
      if (version !== VERSION || iv === undefined || text === undefined || found === null) {
        const which = `it was sealed with the key ${id ?? "(none)"}`;
        throw new WrongKey(
          `a secret can't be opened: ${which}, which is neither DATA_KEY nor DATA_KEY_PREVIOUS`,
        );
      }
      try {
        const bytes = await crypto.subtle.decrypt(
          parameters(fromBase64(iv), place),
          found.key,
          fromBase64(text),
        );
        return new TextDecoder().decode(bytes);
      } catch {
        throw new WrongKey("a secret can't be opened: it was changed, or moved from where it was sealed");
      }
    },

    async isCurrent(sealed) {
      const [{ id }] = await keys;
      return sealed.split(".")[1] === id;
    },
  };
}

import { describe, expect, it } from "vitest";
import { createVault, WrongKey } from "../../src/notifications/sealing.ts";

const key = (letter: string) => Uint8Array.from(letter.repeat(32), (one) => one.codePointAt(0) ?? 0);
const vault = createVault({ current: key("a"), previous: null });
const SECRET = "https://hooks.slack.com/services/T0/B0/xyz";

describe("a sealed secret", () => {
  it("opens where it was sealed, and shows nothing of itself", async () => {
    const sealed = await vault.seal(SECRET, "ch_1 url");
    expect(sealed).not.toMatch(/slack|services/);
    expect(atob(sealed.split(".")[3] ?? "")).not.toMatch(/slack|services/);
    expect(await vault.open(sealed, "ch_1 url")).toBe(SECRET);
    expect(await vault.seal(SECRET, "ch_1 url")).not.toBe(sealed);
  });

  it.each(["ch_2 url", "ch_1 secrets"])("doesn't open at %s", async (place) => {
    const sealed = await vault.seal(SECRET, "ch_1 url");
    await expect(vault.open(sealed, place)).rejects.toThrow(WrongKey);
  });

  it("doesn't open when a character of it was changed", async () => {
    const sealed = await vault.seal(SECRET, "ch_1 url");
    const [version, id, iv, text = ""] = sealed.split(".");
    const flipped = text.startsWith("A") ? `B${text.slice(1)}` : `A${text.slice(1)}`;
    await expect(vault.open([version, id, iv, flipped].join("."), "ch_1 url")).rejects.toThrow(WrongKey);
  });

  it("under another key says so, and with the former key beside it opens and wants to be sealed anew", async () => {
    const sealed = await vault.seal(SECRET, "ch_1 url");
    const other = createVault({ current: key("b"), previous: null });
    await expect(other.open(sealed, "ch_1 url")).rejects.toThrow(/neither DATA_KEY nor DATA_KEY_PREVIOUS/);
    const rotated = createVault({ current: key("b"), previous: key("a") });
    expect(await rotated.open(sealed, "ch_1 url")).toBe(SECRET);
    expect(await rotated.isCurrent(sealed)).toBe(false);
    expect(await rotated.isCurrent(await rotated.seal(SECRET, "ch_1 url"))).toBe(true);
  });

  it.each(["", "v1", "v1.0000.AAAA", "plain text"])("isn't %j", async (text) => {
    await expect(vault.open(text, "ch_1 url")).rejects.toThrow(WrongKey);
  });
});

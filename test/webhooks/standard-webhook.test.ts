import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  findSignatureFault,
  SIGNING_SECRET,
  TOLERANCE_SECONDS,
  type Signed,
} from "../../src/webhooks/standard-webhook.ts";

const SECRET = `whsec_${btoa("the-first-signing-secret-Ab12")}`;
const OTHER = `whsec_${btoa("the-other-signing-secret-Cd34")}`;
const STRANGERS = `whsec_${btoa("a-stranger's-secret-Xy99-Xy99")}`;
const NOW = 1_700_000_000_000;
const BODY = JSON.stringify({ pages_project: "shop", commit: "ä" });

/** Signed by the specification's own library. */
function signed(given: Partial<Signed> & { by?: readonly string[]; seconds?: number } = {}): Signed {
  const { by = [SECRET], seconds = 0, ...members } = given;
  const at = new Date(NOW + seconds * 1000);
  const id = members.id ?? "msg_1";
  const signature = by.map((secret) => new Webhook(secret).sign(id, at, BODY)).join(" ");
  return { id, timestamp: String(at.getTime() / 1000), signature, body: BODY, ...members };
}

const faultOf = (message: Signed, secrets: readonly string[] = [SECRET, OTHER]) =>
  findSignatureFault(message, secrets, NOW);

describe("a signature", () => {
  test.each<[string, Signed]>([
    ["by the first secret", signed()],
    ["by the other, while one is exchanged", signed({ by: [OTHER] })],
    ["of which the second fits", signed({ by: [STRANGERS, SECRET] })],
    ["beside one of a version that isn't known", signed({ signature: `v2,abc ${signed().signature ?? ""}` })],
    ["as old as may be", signed({ seconds: -TOLERANCE_SECONDS })],
    ["as far ahead as may be", signed({ seconds: TOLERANCE_SECONDS })],
  ])("%s is good", async (_, message) => {
    expect(await faultOf(message)).toBeNull();
  });

  test.each<[string, Signed, string]>([
    ["by a stranger", signed({ by: [STRANGERS] }), "wrong"],
    ["of another body", signed({ body: `${BODY} ` }), "wrong"],
    ["of another id", { ...signed(), id: "msg_2" }, "wrong"],
    ["of another instant", { ...signed(), timestamp: String(NOW / 1000 + 1) }, "wrong"],
    ["that is missing", signed({ signature: null }), "missing"],
    ["without an id", { ...signed(), id: null }, "missing"],
    ["with an empty id", { ...signed(), id: "" }, "malformed"],
    ["with a huge id", { ...signed(), id: "x".repeat(257) }, "malformed"],
    ["without a timestamp", signed({ timestamp: null }), "missing"],
    ["whose timestamp is a date", signed({ timestamp: "2026-01-01" }), "malformed"],
    ["whose timestamp is no integer", signed({ timestamp: "1e9" }), "malformed"],
    ["whose timestamp is in milliseconds", signed({ timestamp: String(NOW) }), "malformed"],
    ["of a second too long ago", signed({ seconds: -TOLERANCE_SECONDS - 1 }), "too-old"],
    ["of a second too far ahead", signed({ seconds: TOLERANCE_SECONDS + 1 }), "too-new"],
    ["that is no base64", signed({ signature: "v1,***" }), "malformed"],
    ["of another length", signed({ signature: "v1,YWJj" }), "malformed"],
    [
      "of another version alone",
      signed({ signature: (signed().signature ?? "").replace("v1", "v1a") }),
      "malformed",
    ],
    [
      "behind very many",
      signed({ signature: `${"v1,x ".repeat(10)}${signed().signature ?? ""}` }),
      "malformed",
    ],
  ])("%s is refused", async (_, message, fault) => {
    expect(await faultOf(message)).toBe(fault);
  });

  test("is by nobody where there is no secret", async () => {
    expect(await faultOf(signed(), [])).toBe("wrong");
    expect(await faultOf(signed(), ["whsec_"])).toBe("wrong");
  });
});

test.each([
  [SECRET, true],
  ["whsec_", false],
  ["whsec_c2hvcnQ=", false],
  [SECRET.replace("whsec_", ""), false],
  [`${SECRET} `, false],
])("whether %j is a secret to sign with: %s", (secret, is) => {
  expect(SIGNING_SECRET.test(secret)).toBe(is);
});

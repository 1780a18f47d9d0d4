import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BODY_LIMIT, formatRequest, readAnswer, type Pull } from "../../src/probing/http1.ts";

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function playing(...pieces: readonly Uint8Array[]): Pull {
  const left = [...pieces];
  return async () => left.shift() ?? null;
}

/** Bytes that never end, as a server that streams for ever sends them. */
function endless(head: string, more: string): Pull {
  let first = true;
  return async () => {
    const bytes = bytesOf(first ? head : more);
    first = false;
    return bytes;
  };
}

async function read(text: string, method: "GET" | "HEAD" = "GET") {
  const { status, headers, body } = await readAnswer(playing(bytesOf(text)), method);
  return { status, headers, body: new TextDecoder("latin1").decode(body) };
}

const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: "e"\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: t\r\n\r\n';
const COUNTED = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-Two: a\r\nX-Two: b\r\n\r\nhello";
const TO_THE_END = "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the end";

describe("an answer", () => {
  it("is read with a counted body, and repeated headers are joined", async () => {
    const answer = await read(`${COUNTED} and more that is not the body's`);
    expect(answer).toMatchObject({ status: 404, body: "hello" });
    expect(answer.headers.get("x-two")).toBe("a, b");
  });

  it("is read in chunks with extensions and trailers", async () => {
    expect(await read(CHUNKED)).toMatchObject({ status: 200, body: "hello, world" });
  });

  it("is read to the end of the connection", async () => {
    expect(await read(TO_THE_END)).toMatchObject({ status: 200, body: "until the end" });
  });

  it.each([
    ["without a reason phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"],
    ["with bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
    [
      "after interim answers",
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
    ],
    ["with a length said twice alike", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"],
    [
      "with chunks that win over a length",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
  ])("is read %s", async (_, text) => {
    expect(await read(text)).toMatchObject({ status: 200, body: "ok" });
  });

  it("has no body to HEAD, with 204 and with 304, whatever it says", async () => {
    expect((await read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HEAD")).body).toBe("");
    expect((await read("HTTP/1.1 204 No Content\r\n\r\n")).body).toBe("");
    expect((await read("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n")).body).toBe("");
  });

  it.each([
    ["nothing", ""],
    ["half a status line", "HTTP/1.1 20"],
    ["half the headers", "HTTP/1.1 200 OK\r\nContent-Le"],
    ["half a counted body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"],
    ["half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"],
    ["no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
  ])("that ends after %s was reset", async (_, text) => {
    await expect(read(text)).rejects.toMatchObject({ failure: "reset" });
  });

  it.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["a TLS alert", "\x15\x03\x01\x00\x02\x02\x46\r\n"],
    ["HTTP/2", "HTTP/2 200\r\n\r\n"],
    ["an impossible status", "HTTP/1.1 999 Odd\r\n\r\n"],
    ["a header without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"],
    ["a header with a blank in its name", "HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n"],
    ["a folded header", "HTTP/1.1 200 OK\r\nX: a\r\n  b\r\n\r\n"],
    ["a switch of protocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"],
    ["a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
    [
      "a chunk longer than it says",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
    ],
    ["interim answers only", "HTTP/1.1 100 Continue\r\n\r\n".repeat(7)],
    ["a line that is too long", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(40_000)}\r\n\r\n`],
    ["too many headers", `HTTP/1.1 200 OK\r\n${"X: 0123456789\r\n".repeat(4000)}\r\n`],
  ])("that is %s is not HTTP", async (_, text) => {
    await expect(read(text)).rejects.toMatchObject({ failure: "protocol" });
  });
});

describe("a body without end", () => {
  it.each([
    ["counted", "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", "a".repeat(5000)],
    ["to the end", "HTTP/1.1 200 OK\r\n\r\n", "a".repeat(5000)],
    [
      "in small chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      `1000\r\n${"a".repeat(4096)}\r\n`,
    ],
    [
      "in one huge chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
      "a".repeat(5000),
    ],
  ])("is cut at the limit: %s", async (_, head, more) => {
    expect((await readAnswer(endless(head, more), "GET")).body).toHaveLength(BODY_LIMIT);
    const further = 4 * BODY_LIMIT;
    expect((await readAnswer(endless(head, more), "GET", further)).body).toHaveLength(further);
  });

  it("doesn't keep headers without end", async () => {
    const pull = endless("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n");
    await expect(readAnswer(pull, "GET")).rejects.toMatchObject({ failure: "protocol" });
    await expect(readAnswer(endless("", "x"), "GET")).rejects.toMatchObject({ failure: "protocol" });
  });
});

describe("wherever the network cuts the bytes", () => {
  it.each([CHUNKED, COUNTED, TO_THE_END])("the answer is the same, also byte by byte", async (text) => {
    const whole = await read(text);
    const bytes = bytesOf(text);
    for (let at = 0; at <= bytes.length; at += 1) {
      const answer = await readAnswer(playing(bytes.subarray(0, at), bytes.subarray(at)), "GET");
      expect(new TextDecoder("latin1").decode(answer.body)).toBe(whole.body);
    }
    const one = await readAnswer(playing(...Array.from(bytes, (byte) => Uint8Array.of(byte))), "GET");
    expect([...one.headers]).toEqual([...whole.headers]);
    expect(new TextDecoder("latin1").decode(one.body)).toBe(whole.body);
  });

  it("any body in any chunks is read back", async () => {
    const piece = fc.uint8Array({ minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.nat(50), async (pieces, size) => {
        const chunks = pieces
          .map((p) => `${p.length.toString(16)}\r\n${String.fromCharCode(...p)}\r\n`)
          .join("");
        const wire = bytesOf(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
        const cuts = Array.from({ length: Math.ceil(wire.length / (size + 1)) }, (_, index) =>
          wire.subarray(index * (size + 1), (index + 1) * (size + 1)),
        );
        const { body } = await readAnswer(playing(...cuts), "GET");
        expect([...body]).toEqual(pieces.flatMap((p) => [...p]));
      }),
    );
  });

  it("any bytes give an answer or a named failure", async () => {
    const start = fc.constantFrom(
      "",
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 200 }), async (head, noise) => {
        const outcome = await readAnswer(playing(bytesOf(head), noise), "GET").then(
          () => "answer",
          (thrown: { failure?: string }) => thrown.failure,
        );
        expect(["answer", "reset", "protocol"]).toContain(outcome);
      }),
    );
  });
});

it("a request names its host first and asks to close", () => {
  const headers = new Headers({ "User-Agent": "x" });
  const text = new TextDecoder().decode(
    formatRequest({ method: "GET", path: "/a?b", host: "www.example.com", headers }),
  );
  expect(text).toBe(
    "GET /a?b HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\nuser-agent: x\r\n\r\n",
  );
});

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { httpServer } from "#test/support/http-server.ts";
import { answerDigest, parseDigestChallenge } from "./http/digest.ts";
import type { HttpRequest } from "./http.ts";
import { nodeHttp } from "./node-http.ts";

const http = nodeHttp();
const never = new AbortController().signal;

/** What became of a request: the status and the whole body, or code and message of the error. */
async function outcome(request: Omit<HttpRequest, "signal"> & { readonly signal?: AbortSignal }) {
  try {
    await using response = await http.request({ signal: never, ...request });
    return [response.status, await response.text()];
  } catch (error) {
    return error instanceof Error && "code" in error ? [error.code, error.message] : [error];
  }
}

/** Answers with what came: method, path, the headers of interest, the body. */
async function echo(request: IncomingMessage, response: ServerResponse) {
  const { authorization, "x-auth-token": token, "content-length": length } = request.headers;
  response.setHeader("x-twice", ["one", "two"]);
  response.end(
    JSON.stringify({
      asked: `${request.method} ${request.url}`,
      authorization,
      token,
      length,
      body: await text(request),
    }),
  );
}

const parsed = async (request: Omit<HttpRequest, "signal">) => JSON.parse(String((await outcome(request))[1]));

/** A server below HTTP, on loopback. */
async function rawServer(answer: string | undefined) {
  const server = createServer((socket) => {
    // The client hangs up as soon as it has seen enough.
    socket.on("error", () => {});
    socket.once("data", () => (answer === undefined ? socket.destroy() : socket.end(answer)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}/x`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test("a request arrives as it was meant, and the answer with status, headers and address", async () => {
  await using server = await httpServer(echo);
  const url = `http://me:pass%3Aword@127.0.0.1:${server.port}/a/b?c=d%20e#f`;
  await using response = await http.request({ method: "PUT", url, body: Buffer.from("hello"), signal: never });
  assert.deepEqual(
    {
      status: response.status,
      twice: response.headers["x-twice"],
      url: response.url,
      said: JSON.parse(await response.text()),
    },
    {
      status: 200,
      twice: "one, two",
      url: `${server.url}/a/b?c=d%20e`,
      said: {
        asked: "PUT /a/b?c=d%20e",
        authorization: `Basic ${Buffer.from("me:pass:word").toString("base64")}`,
        length: "5",
        body: "hello",
      },
    },
  );
});

test("a body that is iterated is sent as it comes", async () => {
  await using server = await httpServer(echo);
  async function* pieces() {
    yield Buffer.from("one ");
    yield Buffer.from("two");
  }
  assert.deepEqual(await parsed({ method: "POST", url: server.url, body: pieces() }), {
    asked: "POST /",
    body: "one two",
  });
});

test("a body that fails ends the request with its error", async () => {
  await using server = await httpServer(echo);
  const gone = new Error("the file is gone");
  async function* pieces() {
    yield Buffer.from("one ");
    throw gone;
  }
  await assert.rejects(http.request({ method: "POST", url: server.url, body: pieces(), signal: never }), gone);
});

test("an answer that comes before the body has been sent is taken", async () => {
  await using server = await httpServer((_, response) => response.writeHead(413).end("too much"));
  async function* endless() {
    for (;;) {
      yield Buffer.alloc(65_536);
      await new Promise(setImmediate);
    }
  }
  await using response = await http.request({ method: "PUT", url: server.url, body: endless(), signal: never });
  assert.equal(response.status, 413);
});

test("digest credentials are proved without being sent, a second time when the nonce was stale", async () => {
  const seen: (string | undefined)[] = [];
  const challenge = (nonce: string, stale = false) =>
    `Digest qop="auth", realm="shellyplus1-aabbcc", nonce="${nonce}", algorithm=SHA-256${stale ? ", stale=true" : ""}`;
  await using server = await httpServer((request, response) => {
    const { authorization } = request.headers;
    const cnonce = /cnonce="(\w+)"/.exec(authorization ?? "")?.[1] ?? "";
    const right = parseDigestChallenge(challenge("second"));
    const claim = { method: "GET", uri: "/rpc?a=b", user: "admin", password: "secret", cnonce };
    seen.push(authorization?.replace(/ .*nonce="(first|second)".*/, " $1"));
    if (right !== undefined && authorization === answerDigest(right, claim)) {
      response.end("welcome");
      return;
    }
    const next = authorization === undefined ? challenge("first") : challenge("second", /"first"/.test(authorization));
    response.writeHead(401, { "www-authenticate": next }).end();
  });
  const ask = (password: string) =>
    outcome({ url: `${server.url}/rpc?a=b`, auth: { kind: "digest", user: "admin", password } });
  assert.deepEqual(
    [await ask("secret"), seen.splice(0), await ask("wrong"), seen],
    [
      [200, "welcome"],
      [undefined, "Digest first", "Digest second"],
      [401, ""],
      [undefined, "Digest first", "Digest second"],
    ],
  );
});

test("redirections are followed only when asked for, and tell other origins nothing", async () => {
  await using other = await httpServer(echo);
  await using server = await httpServer((request, response) => {
    const to = { "/round": "/round", "/near": "/here", "/far": `http://u:p@127.0.0.1:${other.port}/there` }[
      request.url ?? ""
    ];
    return to === undefined ? echo(request, response) : response.writeHead(307, { location: to }).end();
  });
  const auth = { kind: "basic", user: "me", password: "secret" } as const;
  const headers = { "x-auth-token": "secret" };
  const follow = (path: string) => ({ url: server.url + path, auth, headers, redirects: 2 });
  const authorization = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  assert.deepEqual(
    [
      await outcome({ ...follow("/near"), redirects: 0 }),
      await parsed(follow("/near")),
      await parsed(follow("/far")),
      await outcome(follow("/round")),
      await outcome({ ...follow("/far"), method: "PUT", body: Buffer.from("secret") }),
    ],
    [
      [307, ""],
      { asked: "GET /here", authorization, token: "secret", body: "" },
      { asked: "GET /there", body: "" },
      ["failed_precondition", `GET ${server.url}/round is redirected without end`],
      ["failed_precondition", `${server.url}/far redirects to ${other.url}, which must not have the body`],
    ],
  );
});

test("certificates are accepted by authority, by fingerprint, or when all are, and else refused with the fingerprint", async () => {
  const authority = await testAuthority();
  const own = await authority.issue("server", "board");
  const { fingerprint256 } = new X509Certificate(own.cert);
  await using server = await httpServer((_, response) => response.end("hello"), own);
  await using plain = await httpServer((_, response) => response.writeHead(302, { location: plain.url }).end(), own);
  await using unsecured = await httpServer(echo);
  const { url, port } = server;
  const refused = `the certificate of localhost:${port} is not accepted:`;
  assert.deepEqual(
    [
      await outcome({ url, tls: { ca: authority.own.cert } }),
      await outcome({ url, tls: { fingerprint: fingerprint256.toLowerCase().replaceAll(":", "") } }),
      await outcome({ url, tls: { insecure: true } }),
      await outcome({ url }),
      await outcome({ url: url.replace("localhost", "127.0.0.1"), tls: { ca: authority.own.cert } }),
      await outcome({ url, tls: { fingerprint: "00".repeat(32) } }),
      (await outcome({ url: unsecured.url.replace("http:", "https:") }))[0],
    ],
    [
      [200, "hello"],
      [200, "hello"],
      [200, "hello"],
      ["unauthenticated", `${refused} its authority is not trusted`],
      ["unauthenticated", `the certificate of 127.0.0.1:${port} is not accepted: it is for another name`],
      ["unauthenticated", `${refused} it is not the one whose fingerprint is configured`],
      "unavailable",
    ],
  );
  const error = await http.request({ url, signal: never }).catch((thrown: unknown) => thrown);
  assert.match(explain(error), new RegExp(fingerprint256));
});

test("nothing is followed from https to http", async () => {
  const authority = await testAuthority();
  await using plain = await httpServer(echo);
  await using server = await httpServer(
    (_, response) => response.writeHead(302, { location: `${plain.url}/` }).end(),
    await authority.issue("server", "board"),
  );
  assert.deepEqual(await outcome({ url: server.url, tls: { insecure: true }, redirects: 1 }), [
    "failed_precondition",
    `${server.url}/ redirects to ${plain.url}, which is not encrypted`,
  ]);
});

test("each way to fail says what was asked, never a query or credentials", async () => {
  await using silent = await rawServer(undefined);
  await using odd = await rawServer("SSH-2.0-OpenSSH_9.2\r\n");
  await using short = await rawServer("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
  await using long = await httpServer((_, response) => response.end("x".repeat(65_537)));
  const closed = await rawServer("");
  await closed[Symbol.asyncDispose]();
  const secret = (url: string) => `${url.replace("//", "//me:secret@")}?password=secret`;
  assert.deepEqual(
    [
      await outcome({ url: secret(closed.url) }),
      await outcome({ url: secret("http://no-such-name.invalid/x") }),
      await outcome({ url: secret(silent.url) }),
      await outcome({ url: secret(odd.url) }),
      await outcome({ url: secret(short.url) }),
      await outcome({ url: secret(`${long.url}/x`) }),
      await outcome({ url: secret("ftp://board/x") }),
      await outcome({ url: "http://me:100%@board/" }),
      await outcome({ url: silent.url, headers: { "x-token": "a\nsecret" } }),
    ],
    [
      ["unavailable", `GET ${closed.url}: it refused the connection`],
      ["not_found", "GET http://no-such-name.invalid/x: nobody knows this name"],
      ["unavailable", `GET ${silent.url}: it closed the connection before it had answered`],
      ["data_loss", `GET ${odd.url}: its answer is not HTTP`],
      ["unavailable", `GET ${short.url}: the answer broke off`],
      ["resource_exhausted", `GET ${long.url}/x: the answer is longer than 65536 bytes`],
      ["invalid_argument", "the address is no absolute URL of http or https"],
      ["invalid_argument", "the credentials in the address of board are badly written"],
      ["invalid_argument", `GET ${silent.url}: a header holds what HTTP cannot say`],
    ],
  );
});

test("a peer that does not answer, or stops in the middle, or drips, ends in its limit", async () => {
  await using server = await httpServer((request, response) => {
    if (request.url === "/stops") {
      response.write("some");
    } else if (request.url === "/drips") {
      const drip = setInterval(() => response.write("."), 5);
      response.once("close", () => clearInterval(drip));
    }
  });
  const late = (path: string, what: string) => ["deadline_exceeded", `GET ${server.url}${path}: ${what}`];
  assert.deepEqual(
    [
      await outcome({ url: `${server.url}/hangs`, idleMs: 30 }),
      // Time for the head of the answer, which comes at once.
      await outcome({ url: `${server.url}/stops`, idleMs: 1000 }),
      await outcome({ url: `${server.url}/drips`, idleMs: 1000, limitMs: 60 }),
    ],
    [
      late("/hangs", "it did not answer within 30 ms"),
      late("/stops", "it sent nothing more within 1000 ms"),
      late("/drips", "it was not done within 60 ms"),
    ],
  );
});

test("aborting ends a request that waits, and one that reads, with the reason, and closes the connection", async () => {
  const arrived = Promise.withResolvers<void>();
  const left = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using server = await httpServer((request, response) => {
    response.once("close", left[request.url === "/waits" ? 0 : 1]?.resolve ?? (() => {}));
    if (request.url === "/waits") {
      arrived.resolve();
    } else {
      response.write("some");
    }
  });
  const reason = new Error("the run is over");
  const waiting = new AbortController();
  const waited = outcome({ url: `${server.url}/waits`, signal: waiting.signal });
  await arrived.promise;
  waiting.abort(reason);
  const reading = new AbortController();
  const response = await http.request({ url: `${server.url}/reads`, signal: reading.signal });
  const read = response.text().catch((error: unknown) => error);
  reading.abort(reason);
  assert.deepEqual([await waited, await read], [[reason], reason]);
  await Promise.all(left.map(({ promise }) => promise));
});

test("an answer that is disposed unread, twice, leaves no connection", async () => {
  const gone = Promise.withResolvers<void>();
  await using server = await httpServer((_, response) => {
    response.once("close", gone.resolve);
    response.write("some");
  });
  const response = await http.request({ url: server.url, signal: never });
  await response[Symbol.asyncDispose]();
  await response[Symbol.asyncDispose]();
  await gone.promise;
});

import assert from "node:assert/strict";
import { once } from "node:events";
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { packageVersion } from "../build-info.ts";
import { DeviceService, ListResponseSchema, RunResponseSchema } from "../gen/dutctl/v1/dutctl_pb.ts";
import { Http2Session } from "../http2-session.ts";
import { limits } from "../limits.ts";
import { type CallOptions, callStream, callUnary } from "./call.ts";
import { enveloped } from "./envelope.ts";
import { saidByPeer } from "./status.ts";

const { list, run } = DeviceService.method;
const devices = enveloped(
  toBinary(ListResponseSchema, create(ListResponseSchema, { devices: [{ name: "board" }] })),
  99,
);
const printed = enveloped(
  toBinary(
    RunResponseSchema,
    create(RunResponseSchema, { msg: { case: "print", value: { text: Buffer.from("hi") } } }),
  ),
  99,
);

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface Peer extends AsyncDisposable {
  readonly session: Http2Session;
  /** Every stream with its request headers. */
  readonly streams: { readonly stream: ServerHttp2Stream; readonly headers: IncomingHttpHeaders }[];
}

/** A peer that answers every call as a test tells it, and a session to it. */
async function peer(answer: Answer): Promise<Peer> {
  const server = createServer();
  const streams: Peer["streams"] = [];
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (opened, headers) => {
    const stream = opened as ServerHttp2Stream;
    stream.on("error", () => {});
    streams.push({ stream, headers });
    answer(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const session = new Http2Session({ kind: "tcp", host: "127.0.0.1", port }, { pingWhenIdle: false });
  return {
    session,
    streams,
    async [Symbol.asyncDispose]() {
      session[Symbol.dispose]();
      for (const open of sessions) {
        open.destroy();
      }
      await server[Symbol.asyncDispose]();
    },
  };
}

const grpc = { ":status": 200, "content-type": "application/grpc" };

/** Answers in full: headers, messages and trailers. */
function full(messages: readonly Uint8Array[], trailers: OutgoingHttpHeaders = { "grpc-status": "0" }): Answer {
  return (stream) => {
    stream.respond({ ...grpc, "dutctl-version": "1.0.0" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(Buffer.concat(messages));
  };
}

function ask(session: Http2Session, options: CallOptions = {}) {
  return callUnary(session, list, {}, options);
}

async function* asking(...names: readonly string[]) {
  for (const command of names) {
    yield { msg: { case: "command" as const, value: { device: "board", command } } };
  }
}

test("a call is asked as gRPC and answered with its message, and its headers are told", async () => {
  await using agent = await peer(full([devices]));
  const told: unknown[] = [];
  const response = await ask(agent.session, {
    timeoutMs: 1_500,
    headers: { from: "alice@desk" },
    onHeaders: (headers) => told.push(headers["dutctl-version"]),
  });
  const { ":authority": authority, ...headers } = agent.streams[0]?.headers ?? {};
  assert.match(authority ?? "", /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(
    [response.devices.map(({ name }) => name), told, Object.fromEntries(Object.entries(headers))],
    [
      ["board"],
      ["1.0.0"],
      {
        ":method": "POST",
        ":path": "/dutctl.v1.DeviceService/List",
        ":scheme": "http",
        "content-type": "application/grpc",
        te: "trailers",
        "user-agent": `dutctl/${packageVersion}`,
        "grpc-timeout": "1500m",
        from: "alice@desk",
      },
    ],
  );
});

const aborted = { "grpc-status": "10", "grpc-message": "half%20done%3A%20%E2%9C%97" };

const failing: readonly [what: string, answer: Answer, fault: object][] = [
  [
    "a status without messages",
    (stream) => stream.respond({ ...grpc, ...aborted }, { endStream: true }),
    { code: "aborted", message: "half done: ✗" },
  ],
  ["a status behind a message", full([devices], aborted), { code: "aborted", message: "half done: ✗" }],
  ["a status behind half a message", full([devices.subarray(0, 7)], aborted), { code: "aborted" }],
  ["a message that is not encoded", full([], { "grpc-status": "5", "grpc-message": "100%" }), { message: "100%" }],
  ["a status that nobody knows", full([], { "grpc-status": "77" }), { code: "unknown" }],
  ["a status that is no number", full([], { "grpc-status": "good" }), { code: "internal" }],
  ["no status", full([devices], {}), { code: "internal", message: "the peer ended the call without a status" }],
  ["no message", full([]), { code: "internal", message: "the peer gave no answer to List" }],
  [
    "two messages",
    full([devices, devices]),
    { code: "internal", message: "the peer gave more than one answer to List" },
  ],
  ["bytes that are no message", full([enveloped(Buffer.from("\xff\xff", "latin1"), 9)]), { code: "internal" }],
  ["a message that is too large", full([Buffer.from([0, 255, 0, 0, 0])]), { code: "resource_exhausted" }],
  [
    "a web page",
    (stream) => stream.respond({ ":status": 200, "content-type": "text/html" }, { endStream: true }),
    { code: "internal", message: 'the peer answers with content type "text/html", which is not gRPC' },
  ],
  ["HTTP status 404", (stream) => stream.respond({ ":status": 404 }, { endStream: true }), { code: "unimplemented" }],
  ["HTTP status 503", (stream) => stream.respond({ ":status": 503 }, { endStream: true }), { code: "unavailable" }],
  ["a reset", (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR), { code: "internal" }],
  [
    "a reset that asks for calm",
    (stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
    { code: "resource_exhausted" },
  ],
  ["a refused stream", (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM), { code: "unavailable" }],
  [
    "a lost connection",
    (stream) => stream.session?.destroy(),
    { code: "unavailable", message: "the connection was lost" },
  ],
  [
    "a connection that is lost in the middle",
    (stream) => {
      stream.respond(grpc);
      stream.write(devices, () => stream.session?.destroy());
    },
    { code: "unavailable", message: "the connection was lost" },
  ],
  [
    "a connection that is reset in the middle",
    (stream) => {
      stream.respond(grpc);
      stream.write(devices, () => stream.session?.socket.resetAndDestroy());
    },
    { code: "unavailable", message: "the connection was lost" },
  ],
];

for (const [what, answer, fault] of failing) {
  test(`${what} fails a call, and the next call is made all the same`, { timeout: 10_000 }, async () => {
    let calls = 0;
    await using agent = await peer((stream, headers) => {
      calls += 1;
      (calls === 1 ? answer : full([devices]))(stream, headers);
    });
    const told: unknown[] = [];
    await assert.rejects(ask(agent.session, { onHeaders: (headers) => told.push(headers) }), fault);
    assert.equal((await ask(agent.session)).devices.length, 1);
  });
}

test("an error that the peer answered with is told from one of the connection", async () => {
  const verdicts: boolean[] = [];
  for (const answer of [full([], { "grpc-status": "14" }), (stream: ServerHttp2Stream) => stream.session?.destroy()]) {
    await using agent = await peer(answer);
    await ask(agent.session).catch((error: unknown) => verdicts.push(saidByPeer(error)));
  }
  assert.deepEqual(verdicts, [true, false]);
});

test("a deadline ends a call that is not answered, and the peer sees it cancelled", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<number>();
  let calls = 0;
  await using agent = await peer((stream, headers) => {
    calls += 1;
    return calls === 1 ? full([devices])(stream, headers) : stream.once("close", () => resolve(stream.rstCode));
  });
  // The connection is there, so that the next call is one that the peer has heard of.
  await ask(agent.session);
  await assert.rejects(ask(agent.session, { timeoutMs: 200.5 }), { code: "deadline_exceeded" });
  assert.equal(await cancelled, constants.NGHTTP2_CANCEL);
});

test("an aborted call throws the reason when that is an error of ours, and says canceled for any other", async () => {
  const stop = new AbortController();
  await using agent = await peer(() => stop.abort(new Error("enough")));
  await assert.rejects(ask(agent.session, { signal: stop.signal }), { code: "canceled", message: "enough" });
  await assert.rejects(ask(agent.session, { signal: stop.signal }), { code: "canceled", message: "enough" });
});

test("nobody there is unavailable, with the reason", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await server[Symbol.asyncDispose]();
  using session = new Http2Session({ kind: "tcp", host: "localhost", port }, { pingWhenIdle: false });
  await assert.rejects(ask(session), { code: "unavailable", message: `connect ECONNREFUSED 127.0.0.1:${port}` });
});

test("a message of more than a MiB is read when the caller asks for it", async () => {
  const large = create(ListResponseSchema, { devices: [{ name: "x".repeat(limits.messageBytes) }] });
  await using agent = await peer(full([enveloped(toBinary(ListResponseSchema, large), 2 * limits.messageBytes)]));
  await assert.rejects(ask(agent.session), { code: "resource_exhausted" });
  const { devices } = await ask(agent.session, { readMaxBytes: 2 * limits.messageBytes });
  assert.equal(devices[0]?.name.length, limits.messageBytes);
});

test("a stream sends and receives side by side until the peer ends it", async () => {
  await using agent = await peer((stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("data", () => stream.write(printed));
    stream.once("end", () => stream.end());
  });
  const heard = Promise.withResolvers<void>();
  async function* inTurns() {
    yield* asking("on");
    await heard.promise;
    yield* asking("off");
  }
  const answers: unknown[] = [];
  for await (const { msg } of callStream(agent.session, run, inTurns(), {})) {
    answers.push(msg.case);
    heard.resolve();
  }
  assert.deepEqual(answers, ["print", "print"]);
});

test("leaving a stream cancels it", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<number>();
  await using agent = await peer((stream) => {
    stream.once("close", () => resolve(stream.rstCode));
    stream.respond(grpc);
    stream.write(printed);
  });
  for await (const _ of callStream(agent.session, run, asking("on"), {})) {
    break;
  }
  assert.equal(await cancelled, constants.NGHTTP2_CANCEL);
});

test("requests that fail end the stream with their error", async () => {
  async function* broken() {
    yield* asking("on");
    throw new TypeError("no more");
  }
  await using agent = await peer((stream) => stream.respond(grpc));
  await assert.rejects(Array.fromAsync(callStream(agent.session, run, broken(), {})), new TypeError("no more"));
});

test("requests are taken no faster than the peer reads them", async () => {
  const flood = enveloped(Buffer.alloc(60_000), 60_000).length;
  let taken = 0;
  async function* endless() {
    for (;;) {
      taken += flood;
      yield { msg: { case: "file" as const, value: { path: "image", content: Buffer.alloc(60_000) } } };
      if (taken > 20e6) {
        throw new Error("all of it was taken");
      }
    }
  }
  await using agent = await peer((stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end();
  });
  assert.deepEqual(await Array.fromAsync(callStream(agent.session, run, endless(), {})), []);
  assert.ok(taken < 2e6, `${taken} bytes were taken`);
});

import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type SpliceOptions, splice } from "./splice.ts";

/** A client, the relay under test and an agent, each on its own connection. */
interface Chain extends AsyncDisposable {
  /** Opens a stream at the client's end. */
  open(): ClientHttp2Stream;
  /** The next stream that reaches the agent. */
  accepted(): Promise<ServerHttp2Stream>;
  /** How splice ended. */
  readonly spliced: Promise<unknown>;
  readonly toAgent: ClientHttp2Session;
}

async function chain(options?: SpliceOptions, ready?: (client: ServerHttp2Stream) => Promise<unknown>): Promise<Chain> {
  const agent = createServer();
  const streams: ServerHttp2Stream[] = [];
  const arrived = Promise.withResolvers<void>();
  agent.on("stream", (stream) => {
    stream.on("error", () => {});
    streams.push(stream as ServerHttp2Stream);
    arrived.resolve();
  });
  const toAgent = await connected(agent);
  const spliced = Promise.withResolvers<unknown>();
  const relay = createServer(async (request, response) => {
    await ready?.(response.stream);
    const upstream = toAgent.request({ ":method": "POST", ":path": "/run", "x-kept": request.headers["x-kept"] });
    spliced.resolve(
      splice(response, upstream, options).then(
        () => "closed",
        (error: Error) => {
          response.writeHead(503);
          response.end();
          return error.message;
        },
      ),
    );
  });
  const toRelay = await connected(relay);
  return {
    spliced: spliced.promise,
    toAgent,
    open() {
      const stream = toRelay.request({ ":method": "POST", ":path": "/run", "x-kept": "yes" });
      stream.on("error", () => {});
      return stream;
    },
    async accepted() {
      await arrived.promise;
      return streams[0] as ServerHttp2Stream;
    },
    async [Symbol.asyncDispose]() {
      toRelay.destroy();
      toAgent.destroy();
      relay.close();
      agent.close();
    },
  };
}

async function connected(server: Http2Server): Promise<ClientHttp2Session> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.on("error", () => {});
  await once(session, "remoteSettings");
  return session;
}

/** What a client hears of its stream: status, body, trailers and the code it was closed with. */
async function heard(stream: ClientHttp2Stream) {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  stream.once("close", () => close());
  let trailers: Record<string, unknown> = {};
  stream.on("trailers", (received) => {
    trailers = Object.fromEntries(Object.entries(received));
  });
  const [headers] = await once(stream, "response");
  let body = "";
  stream.setEncoding("utf8").on("data", (piece) => {
    body += piece;
  });
  await closed;
  return { status: headers[":status"], body, trailers, code: stream.rstCode };
}

test("bytes, half-closes, headers and trailers pass in both directions", async () => {
  await using ends = await chain();
  const client = ends.open();
  const answer = heard(client);
  client.end("question");
  const agent = await ends.accepted();
  assert.equal(agent.sentHeaders, undefined);
  const question = Buffer.concat(await Array.fromAsync(agent)).toString();
  agent.respond({ ":status": 200, "x-version": "1" }, { waitForTrailers: true });
  agent.once("wantTrailers", () => agent.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
  agent.end("answer");
  assert.deepEqual(
    [question, await answer],
    ["question", { status: 200, body: "answer", trailers: { "grpc-status": "0", "grpc-message": "fine" }, code: 0 }],
  );
  assert.equal(await ends.spliced, "closed");
});

test("an answer of trailers alone passes", async () => {
  await using ends = await chain();
  const client = ends.open();
  const answer = heard(client);
  client.end();
  (await ends.accepted()).respond({ ":status": 200, "grpc-status": "5" }, { endStream: true });
  assert.deepEqual(await answer, { status: 200, body: "", trailers: {}, code: 0 });
});

test("the agent may answer before the client has finished, and the client hears it whole", async () => {
  await using ends = await chain({ lingerMs: 50 });
  const client = ends.open();
  const answer = heard(client);
  client.write("half a question");
  const agent = await ends.accepted();
  agent.respond({ ":status": 200 }, { waitForTrailers: true });
  agent.once("wantTrailers", () => agent.sendTrailers({ "grpc-status": "0" }));
  agent.end("answer");
  assert.deepEqual(await answer, { status: 200, body: "answer", trailers: { "grpc-status": "0" }, code: 0 });
  assert.equal(await ends.spliced, "closed");
});

test("a client's reset reaches the agent as a cancellation", async () => {
  await using ends = await chain();
  const client = ends.open();
  client.write("question");
  const agent = await ends.accepted();
  agent.respond({ ":status": 200 });
  await once(client, "response");
  client.close(constants.NGHTTP2_CANCEL);
  await once(agent, "close");
  assert.deepEqual([agent.rstCode, await ends.spliced], [constants.NGHTTP2_CANCEL, "closed"]);
});

test("a client that left before the agent was reached leaves nothing running there", async () => {
  const arrived = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  await using ends = await chain({}, async (stream) => {
    stream.on("error", () => {});
    stream.once("close", () => left.resolve());
    arrived.resolve();
    await left.promise;
  });
  const client = ends.open();
  client.write("question");
  await arrived.promise;
  client.close(constants.NGHTTP2_CANCEL);
  assert.equal(await ends.spliced, "closed");
});

test("an agent's reset reaches the client with its code, after what was said before", async () => {
  await using ends = await chain();
  const client = ends.open();
  const answer = heard(client);
  const agent = await ends.accepted();
  agent.respond({ ":status": 200 });
  agent.write("said");
  await once(client, "data");
  agent.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.deepEqual(await answer, {
    status: 200,
    body: "said",
    trailers: {},
    code: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  });
});

test("an agent that is lost in the middle never looks like a complete answer", async () => {
  await using ends = await chain();
  const client = ends.open();
  const answer = heard(client);
  const agent = await ends.accepted();
  agent.respond({ ":status": 200 });
  agent.write("said");
  await once(client, "data");
  ends.toAgent.destroy();
  assert.deepEqual(await answer, { status: 200, body: "said", trailers: {}, code: constants.NGHTTP2_CANCEL });
});

test("an answer whose agent is lost ends with the trailers that were prepared for it, one that it resets does not", async () => {
  const lost = (headers: IncomingHttpHeaders) => ({ "grpc-status": "14", "grpc-message": `no ${headers["x-agent"]}` });
  const ended = async (end: (agent: ServerHttp2Stream, toAgent: ClientHttp2Session) => void) => {
    await using ends = await chain({ lost, lingerMs: 50 });
    const client = ends.open();
    const answer = heard(client);
    const agent = await ends.accepted();
    agent.respond({ ":status": 200, "x-agent": "bench" });
    agent.write("said");
    await once(client, "data");
    end(agent, ends.toAgent);
    const { trailers, body, code } = await answer;
    return [body, trailers, code];
  };
  assert.deepEqual(
    [
      await ended((_, toAgent) => toAgent.destroy()),
      await ended((agent) => agent.session?.socket.destroy()),
      await ended((agent) => agent.close(constants.NGHTTP2_INTERNAL_ERROR)),
    ],
    [
      ["said", { "grpc-status": "14", "grpc-message": "no bench" }, 0],
      ["said", { "grpc-status": "14", "grpc-message": "no bench" }, 0],
      ["said", {}, constants.NGHTTP2_INTERNAL_ERROR],
    ],
  );
});

test("an agent that is lost before it answers leaves the client's stream to the caller", async () => {
  await using ends = await chain();
  const client = ends.open();
  const answer = heard(client);
  client.end();
  await ends.accepted();
  ends.toAgent.destroy();
  assert.equal((await answer).status, 503);
  assert.notEqual(await ends.spliced, "closed");
});

test("a client that does not read holds the agent back", async () => {
  await using ends = await chain();
  const client = ends.open();
  const agent = await ends.accepted();
  agent.respond({ ":status": 200 });
  await once(client, "response");
  const megabyte = Buffer.alloc(1024 * 1024);
  let taken = 0;
  while (taken < 256 && agent.write(megabyte)) {
    taken += 1;
  }
  agent.write(megabyte);
  assert.ok(taken < 16, `${taken} MiB were taken at once`);
  client.close();
});

test("a client that takes nothing while something waits is reset, and so is the agent", async () => {
  let stalled = 0;
  const onStall = () => {
    stalled += 1;
  };
  await using ends = await chain({ stallMs: 120, onStall });
  const client = ends.open();
  const agent = await ends.accepted();
  agent.respond({ ":status": 200 });
  agent.write(Buffer.alloc(1024 * 1024));
  const closed = (stream: EventEmitter) => new Promise((resolve) => stream.once("close", resolve));
  await Promise.all([closed(client), closed(agent)]);
  assert.deepEqual(
    [client.rstCode, agent.rstCode, stalled, await ends.spliced],
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, constants.NGHTTP2_CANCEL, 1, "closed"],
  );
});

test("a client that waits for an agent that says nothing is left alone, however long", async (t) => {
  await using ends = await chain({ stallMs: 60 });
  const client = ends.open();
  const agent = await ends.accepted();
  agent.respond({ ":status": 200 });
  agent.write("first");
  client.resume();
  await once(client, "data", { signal: t.signal });
  const stall = Promise.withResolvers<void>();
  setTimeout(stall.resolve, 200);
  await stall.promise;
  agent.end("last");
  await once(client, "end", { signal: t.signal });
  assert.equal(client.rstCode, constants.NGHTTP2_NO_ERROR);
});

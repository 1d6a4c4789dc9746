import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { silentLog } from "#pkg/log/log.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#pkg/protocol/gen/grpc/health/v1/health_pb.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { openHealth } from "./open-health.ts";

const anywhere = parseAddress("localhost:0");

/** A program that does nothing but tell how it fares. */
async function open() {
  await using opened = new AsyncDisposableStack();
  const health = await openHealth({ program: "dutserver", address: undefined, log: silentLog });
  assert.ok(health);
  opened.use(health);
  const handler = rpcHandler(health.routes(["dutlab.v1.LabService"]), { self: "dutserver", log: silentLog });
  const port = opened.use(await listen(anywhere, health.before(handler), { log: silentLog, insecure: false }));
  const url = `http://localhost:${(port.address as Address & { kind: "tcp" }).port}`;
  const client = createClient(Health, createGrpcTransport({ baseUrl: url }));
  const release = opened.move();
  return { health, url, client, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

async function get(url: string, path: string): Promise<readonly [number, string]> {
  const answer = await fetch(`${url}${path}`);
  return [answer.status, await answer.text()];
}

test("a probe is told that the program lives, and whether it is ready or why not", async () => {
  await using program = await open();
  const { readiness } = program.health;
  const before = await get(program.url, "/readyz");
  readiness.report("store", "the disk is full");
  readiness.report("etcd", "no answer");
  const degraded = await get(program.url, "/readyz");
  readiness.report("store", undefined);
  readiness.report("etcd", undefined);
  assert.deepEqual(
    [before, degraded, await get(program.url, "/readyz"), await get(program.url, "/healthz?verbose")],
    [
      [200, "ready\n"],
      [503, "the disk is full\nno answer\n"],
      [200, "ready\n"],
      [200, "ok\n"],
    ],
  );
});

test("the metrics are there, and what is no probe goes to the program", async () => {
  await using program = await open();
  program.health.metrics.limitHit("ping_flood");
  const [status, text] = await get(program.url, "/metrics");
  assert.equal(status, 200);
  assert.match(text, /^dutserver_limit_hits_total\{limit="ping_flood"\} 1$/m);
  assert.deepEqual(await get(program.url, "/nothing"), [404, "404 page not found\n"]);
});

test("probes are answered over HTTP/2 as well, and HEAD without a body", async (t) => {
  await using program = await open();
  const session = connect(program.url);
  const stream = session.request({ ":path": "/healthz", ":method": "HEAD" });
  const [headers] = await once(stream, "response", { signal: t.signal });
  let body = "";
  stream.setEncoding("utf8").on("data", (text) => {
    body += text;
  });
  await once(stream, "end", { signal: t.signal });
  session.destroy();
  assert.deepEqual([headers[":status"], body], [200, ""]);
});

test("grpc.health.v1 knows the program and its services, and no others", async () => {
  await using program = await open();
  const statuses = await Promise.all(
    ["", "dutlab.v1.LabService", "grpc.health.v1.Health"].map((service) => program.client.check({ service })),
  );
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [Status.SERVING, Status.SERVING, Status.SERVING],
  );
  await assert.rejects(program.client.check({ service: "nobody" }), /service "nobody": no such service/);
});

test("a watcher hears every change of health, and is let go when the program leaves", async () => {
  await using program = await open();
  const { readiness } = program.health;
  const heard: Status[] = [];
  for await (const { status } of program.client.watch({ service: "" })) {
    heard.push(status);
    if (heard.length === 1) {
      readiness.report("store", "the disk is full");
    } else if (heard.length === 2) {
      readiness.report("store", undefined);
    } else {
      readiness.leave("the program is shutting down");
    }
  }
  assert.deepEqual(heard, [Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
});

test("a listener for probes answers them by any name, and nothing else", async (t) => {
  const lines: unknown[] = [];
  const log = { ...silentLog, info: (...line: unknown[]) => void lines.push(line) };
  await using _ = await openHealth({ program: "dutagent", address: anywhere, log });
  const [[, { addr }]] = lines as [[string, { addr: string }]];
  const { port } = parseAddress(addr) as Address & { kind: "tcp" };
  const { request } = await import("node:http");
  const asked = request({ port, host: "127.0.0.1", path: "/readyz", headers: { host: "dutagent.lab.example" } });
  asked.end();
  const [answer] = await once(asked, "response", { signal: t.signal });
  answer.resume();
  assert.deepEqual(
    [answer.statusCode, (await get(`http://localhost:${port}`, "/dutctl.v1.DeviceService/List"))[0]],
    [200, 404],
  );
});

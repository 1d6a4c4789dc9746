import assert from "node:assert/strict";
import { constants } from "node:http2";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import type { LimitName } from "#pkg/metrics/limit-names.ts";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { callFields, flags, frame, greeting, word } from "#test/support/http2-frames.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { RawPeer } from "#test/support/raw-peer.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { limits } from "./limits.ts";
import { listen } from "./listener.ts";

const path = "/nothing";
const call = (stream: number) => frame("headers", stream, callFields(path), flags.endHeaders);
const times = (count: number, piece: (index: number) => Buffer) =>
  Array.from({ length: count }, (_, index) => piece(index));
const ping = () => frame("ping", 0, Buffer.alloc(8));

/** A port that notes the limits that are hit. */
async function open() {
  const hits: LimitName[] = [];
  const metrics = { ...noMetrics, limitHit: (limit: LimitName) => void hits.push(limit) };
  const port = await listen(parseAddress("localhost:0"), () => {}, { log: silentLog, insecure: false, metrics });
  return { hits, port, address: formatAddress(port.address), [Symbol.asyncDispose]: () => port[Symbol.asyncDispose]() };
}

for (const { what, flood, limit, code } of [
  { what: "pings", flood: times(100, ping), limit: "ping_flood", code: constants.NGHTTP2_ENHANCE_YOUR_CALM },
  {
    what: "settings",
    flood: times(100, () => frame("settings", 0)),
    limit: "settings_flood",
    code: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  },
  {
    what: "resets",
    flood: times(1_000, (index) => Buffer.concat([call(2 * index + 1), frame("reset", 2 * index + 1, word(8))])),
    limit: "stream_resets",
    code: constants.NGHTTP2_INTERNAL_ERROR,
  },
  {
    what: "empty data",
    flood: [call(1), ...times(2_000, () => frame("data", 1))],
    limit: "http2_protocol",
    code: constants.NGHTTP2_INTERNAL_ERROR,
  },
  {
    what: "window updates that give nothing",
    flood: times(100_000, () => frame("windowUpdate", 0, word(1))),
    limit: "useless_frames",
    code: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  },
] as const) {
  test(`a peer that sends ${what} is told to go, and the limit is counted`, async () => {
    await using server = await open();
    using peer = await RawPeer.dial(server.address);
    await peer.send(Buffer.concat([greeting, ...flood]));
    await peer.closed;
    assert.deepEqual([server.hits, peer.goaway], [[limit], code]);
  });
}

test("a burst of pings is answered, and its peer stays", async () => {
  await using server = await open();
  using peer = await RawPeer.dial(server.address);
  await peer.send(Buffer.concat([greeting, ...times(limits.pings.burst, ping)]));
  await peer.hears("ping", limits.pings.burst);
  assert.deepEqual([peer.open, server.hits], [true, []]);
});

test("a peer that stops in the middle of a header block after its first call is dropped because it cannot answer a ping", async () => {
  await using server = await open();
  using peer = await RawPeer.dial(server.address);
  await peer.send(
    Buffer.concat([greeting, call(1), frame("reset", 1, word(8)), frame("headers", 3, callFields(path))]),
  );
  await peer.closed;
  assert.deepEqual(server.hits, ["unanswered_ping"]);
});

test("a peer whose answers wait behind what it sends hears pings before it takes the port for lost", async () => {
  await using server = await open();
  using peer = await RawPeer.dial(server.address);
  using machine = openMachineTime();
  await peer.send(Buffer.concat([greeting, call(1)]));
  await peer.hears("ping", 1);
  const first = machine.now();
  using sending = new DisposableStack();
  sending.adopt(
    setInterval(() => void peer.send(frame("data", 1, Buffer.alloc(100))), 100),
    clearInterval,
  );
  await peer.hears("ping", 2);
  const between = machine.now() - first;
  assert.ok(peer.open && between < limits.pingTimeoutMs, `${between} ms`);
});

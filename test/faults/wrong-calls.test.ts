import assert from "node:assert/strict";
import { connect, constants, type OutgoingHttpHeaders } from "node:http2";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Daemon } from "#test/support/lab.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { openAttackedLab, targets } from "./attacked-lab.ts";

const details = "/dutctl.v1.DeviceService/Details";

const usual: OutgoingHttpHeaders = {
  ":method": "POST",
  ":path": details,
  "content-type": "application/grpc",
  te: "trailers",
};

/** What a message of gRPC begins with: a length, and whether it is compressed. */
function prefix(length: number, compressed = 0): Buffer {
  const bytes = Buffer.alloc(5, compressed);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

const empty = prefix(0);

/** The answers to calls that are made one after the other over one connection: the HTTP status, and that of gRPC. */
async function ask({ address }: Daemon, calls: readonly (readonly [OutgoingHttpHeaders, Buffer])[]) {
  const session = connect(`http://${address.replace("localhost", "127.0.0.1")}`);
  session.on("error", () => {});
  const answers = [];
  for (const [headers, body] of calls) {
    const fields: Record<string, unknown> = {};
    const stream = session.request({ ...usual, ...headers });
    stream.on("error", () => {});
    for (const event of ["response", "trailers"] as const) {
      stream.once(event, (received: object) => Object.assign(fields, received));
    }
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.end(body);
    stream.resume();
    await closed;
    answers.push([fields[":status"] ?? stream.rstCode, fields["grpc-status"] ?? fields.allow]);
  }
  const isUsable = !session.destroyed;
  session.destroy();
  return { answers, isUsable };
}

/** A quarter of a gibibyte of zeros, which is a quarter of a megabyte compressed. */
const bomb = gzipSync(Buffer.alloc(1 << 28));

const grpc = { invalidArgument: "3", resourceExhausted: "8", unimplemented: "12", internal: "13" };

for (const name of targets) {
  test(`calls of ${name} that are wrong are answered as the protocols say, and the connection is of use after each`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target } = attacked;
    const calls: readonly (readonly [what: string, headers: OutgoingHttpHeaders, body: Buffer, expected: unknown])[] = [
      ["a content type that nobody speaks", { "content-type": "text/html" }, empty, [415, undefined]],
      ["no content type", { "content-type": "" }, empty, [415, undefined]],
      ["a call that there is not", { ":path": "/dutctl.v1.DeviceService/Nothing" }, empty, [404, undefined]],
      ["a service that there is not", { ":path": "/nobody.v1.Nothing/Nothing" }, empty, [404, undefined]],
      ["a method of HTTP that is not for calls", { ":method": "PUT" }, empty, [405, "POST"]],
      ["a deadline of eleven digits", { "grpc-timeout": "99999999999H" }, empty, [200, grpc.invalidArgument]],
      [
        "a deadline that is longer than timers are",
        { "grpc-timeout": "99999999H" },
        empty,
        [200, grpc.invalidArgument],
      ],
      ["a deadline that is negative", { "grpc-timeout": "-1S" }, empty, [200, grpc.invalidArgument]],
      [
        "headers that are too large",
        { x: "x".repeat(20_000) },
        empty,
        [constants.NGHTTP2_ENHANCE_YOUR_CALM, undefined],
      ],
      [
        "too many headers",
        Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, ""])),
        empty,
        [constants.NGHTTP2_ENHANCE_YOUR_CALM, undefined],
      ],
      ["a message that claims to have 4 GiB", {}, prefix(0xffff_ffff), [200, grpc.resourceExhausted]],
      [
        "a message that is larger than it may be",
        {},
        Buffer.concat([prefix(1 << 21), Buffer.alloc(1 << 21)]),
        [200, grpc.resourceExhausted],
      ],
      [
        "a message that unfolds to a quarter of a gibibyte",
        { "grpc-encoding": "gzip" },
        Buffer.concat([prefix(bomb.length, 1), bomb]),
        [200, grpc.unimplemented],
      ],
      ["a message that is cut off", {}, prefix(10), [200, grpc.unimplemented]],
      ["two messages where one belongs", {}, Buffer.concat([empty, empty]), [200, grpc.unimplemented]],
      [
        "a message of something else",
        {},
        Buffer.concat([prefix(3), Buffer.from([0x0a, 0x7f, 0x00])]),
        [200, grpc.internal],
      ],
    ];
    const pid = target.process.pid as number;
    await ask(
      target,
      calls.map(([, headers, body]) => [headers, body]),
    );
    await resetPeak(pid);
    const before = await peakMegabytes(pid);
    const { answers, isUsable } = await ask(
      target,
      calls.map(([, headers, body]) => [headers, body]),
    );
    const grown = Math.round((await peakMegabytes(pid)) - before);
    t.diagnostic(`+${grown} MB`);
    assert.deepEqual(
      [calls.map(([what], index) => [what, answers[index]]), isUsable],
      [calls.map(([what, , , expected]) => [what, expected]), true],
    );
    assert.ok(grown < 20, `grown by ${grown} MB`);
  });
}

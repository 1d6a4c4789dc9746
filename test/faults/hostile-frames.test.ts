import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { constants } from "node:http2";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { callFields, field, flags, frame, greeting, word } from "#test/support/http2-frames.ts";
import type { Daemon } from "#test/support/lab.ts";
import { hitsOf, metricsOf } from "#test/support/metrics.ts";
import { RawPeer } from "#test/support/raw-peer.ts";
import { openAttackedLab, targets } from "./attacked-lab.ts";

const list = "/dutctl.v1.DeviceService/List";
const fields = callFields(list);
const call = (stream: number) => frame("headers", stream, fields, flags.endHeaders);
const reset = (stream: number) => frame("reset", stream, word(constants.NGHTTP2_CANCEL));
/** Clients have the odd streams. */
const odd = (index: number) => 2 * index + 1;
const many = (count: number, piece: (index: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => piece(index)));

/** A header block that names one long field again and again from the table (RFC 7541, section 6.1): 15 KB that stand for 1.8 MB. */
function bomb(): Buffer {
  const text = (part: string) => [Buffer.from([part.length]), Buffer.from(part)];
  const kept = Buffer.concat([Buffer.from([0x40]), ...text("x"), ...text("v".repeat(120))]);
  return Buffer.concat([callFields(list), kept, Buffer.alloc(15_000, 0xbe)]);
}

/** Seconds of a processor that a process has used; Linux counts them in hundredths. */
async function cpuSeconds({ process: { pid } }: Daemon): Promise<number> {
  const [, user = 0, system = 0] =
    /\) (?:\S+ ){11}(\d+) (\d+) /.exec(await readFile(`/proc/${pid}/stat`, "utf8")) ?? [];
  return (Number(user) + Number(system)) / 100;
}

const floods: Readonly<Record<string, Buffer>> = {
  "continuations of a header block": Buffer.concat([
    frame("headers", 1, callFields(list)),
    many(20_000, () => frame("continuation", 1, field("x", "y"))),
  ]),
  settings: many(20_000, () => frame("settings", 0)),
  pings: many(20_000, () => frame("ping", 0, Buffer.alloc(8))),
  "empty data": Buffer.concat([call(1), many(20_000, () => frame("data", 1))]),
  priorities: many(100_000, (index) => frame("priority", odd(index), Buffer.from([0, 0, 0, 0, 16]))),
  "window updates": many(100_000, () => frame("windowUpdate", 0, word(1))),
  "windows that overflow": many(2, () => frame("windowUpdate", 0, word(0x7fff_ffff))),
};

for (const name of targets) {
  test(`${name} drops each flood of frames within a second, and is as small as before`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target, machine } = attacked;
    const lasted: Record<string, number> = {};
    await attacked.during(t, async () => {
      for (const [what, flood] of Object.entries(floods)) {
        using peer = await RawPeer.dial(target.address, machine);
        await peer.send(Buffer.concat([greeting, flood]));
        lasted[what] = Math.round(await peer.closed);
      }
    });
    t.diagnostic(JSON.stringify(lasted));
    const slow = Object.entries(lasted).filter(([, ms]) => ms > 1_500);
    assert.deepEqual(slow, []);
  });

  test(`${name} answers no header block that unfolds to megabytes`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target } = attacked;
    await attacked.during(t, async () => {
      using peer = await RawPeer.dial(target.address);
      await peer.send(greeting);
      for (let stream = 1; stream < 200; stream += 2) {
        await peer.send(frame("headers", stream, bomb(), flags.endHeaders | flags.endStream));
      }
      await peer.hears("reset", 100);
      assert.equal(peer.heard.get(1) ?? 0, 0);
    });
  });

  test(`a peer that begins and resets 200,000 calls of ${name} starts few of them, and costs it little`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target } = attacked;
    const spent: number[] = [];
    // Made before: the canary lives in this process.
    const flood = many(200_000, (index) => Buffer.concat([call(odd(index)), reset(odd(index))]));
    await attacked.during(t, async () => {
      const before = await cpuSeconds(target);
      using peer = await RawPeer.dial(target.address);
      await peer.send(greeting);
      for (let start = 0; start < flood.length && peer.open; start += 65_536) {
        await peer.send(flood.subarray(start, start + 65_536));
      }
      await peer.closed;
      spent.push((await cpuSeconds(target)) - before);
    });
    t.diagnostic(`${spent.map((seconds) => seconds.toFixed(2)).join(" and ")} s of a processor`);
    assert.ok(spent.every((seconds) => seconds < 1));
    assert.equal(await hitsOf(target, "stream_resets"), 2);
  });

  test(`a source that does so again and again gets few places at ${name} for a minute, and clients there are served`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target, lab } = attacked;
    for (let round = 0; round < 5; round += 1) {
      using peer = await RawPeer.dial(target.address);
      await peer.send(
        Buffer.concat([greeting, many(2_000, (index) => Buffer.concat([call(odd(index)), reset(odd(index))]))]),
      );
      await peer.closed;
    }
    const before = await hitsOf(target, "silent_per_source");
    const silent = await Promise.all(Array.from({ length: 10 }, () => RawPeer.dial(target.address)));
    const { code } = await lab.dutctl(["-s", target.address, "list"]);
    assert.deepEqual([code, (await hitsOf(target, "silent_per_source")) - before >= 6], [0, true]);
    for (const peer of silent) {
      peer[Symbol.dispose]();
    }
  });

  test(`of 5,000 calls on one connection ${name} takes 128`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target } = attacked;
    const open: number[] = [];
    await attacked.during(t, async () => {
      using peer = await RawPeer.dial(target.address);
      await peer.send(Buffer.concat([greeting, many(5_000, (index) => call(odd(index)))]));
      await peer.hears("reset", 100);
      const streams = (await metricsOf(target)).get(`${name}_streams`) ?? Number.NaN;
      open.push(streams);
    });
    assert.ok(
      open.every((streams) => streams <= 129),
      `${open} calls were open`,
    );
  });
}

const python = "/usr/bin/python3";
const program = fileURLToPath(import.meta.resolve("#test/programs/grpcio-keepalive.py"));
const skip =
  spawnSync(python, ["-c", "import grpc"]).status === 0
    ? false
    : "needs python3-grpcio: apt-get install python3-grpcio";

test("a gRPC client that pings every second is not told that it pings too much, by either program", {
  skip,
}, async (t) => {
  await using attacked = await openAttackedLab(t.signal, "dutserver");
  const { lab, server, agent } = attacked;
  const outcomes = await Promise.all(
    [server, agent].map(({ address }) => lab.startWords([python, program, address, "15"]).ended),
  );
  assert.deepEqual(
    outcomes.map(({ code, stdout }) => [code, stdout]),
    [
      [0, "OK\n"],
      [0, "OK\n"],
    ],
    outcomes.map(({ stderr }) => stderr).join(""),
  );
  assert.deepEqual([await hitsOf(server, "ping_flood"), await hitsOf(agent, "ping_flood")], [0, 0]);
});

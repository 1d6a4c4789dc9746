import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { callFields, frame, greeting } from "#test/support/http2-frames.ts";
import { hitsOf } from "#test/support/metrics.ts";
import { RawPeer } from "#test/support/raw-peer.ts";
import { openAttackedLab, targets } from "./attacked-lab.ts";

/** A ClientHello of TLS up to its random bytes. */
const tls = Buffer.from("16030100f8010000f40303", "hex");

const nonsense: Readonly<Record<string, Buffer>> = {
  "random bytes": randomBytes(65_536),
  zeros: Buffer.alloc(65_536),
  "half a line": Buffer.from("GET / HT"),
  "a request of HTTP/0.9": Buffer.from("GET /\r\n"),
  "a request of a proxy": Buffer.from("CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n"),
  "headers of a mebibyte": Buffer.from(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"x".repeat(1 << 20)}\r\n\r\n`),
  "two lengths": Buffer.from("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
  TLS: tls,
  SSH: Buffer.from("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
  "nothing, and its end": Buffer.alloc(0),
  "a preface and nonsense": Buffer.concat([greeting, randomBytes(1_000)]),
};

for (const name of targets) {
  test(`${name} closes what speaks nonsense within 10 s, logs little of it and serves others`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target, machine } = attacked;
    const speak = async (bytes: Buffer) => {
      using peer = await RawPeer.dial(target.address, machine);
      await peer.send(bytes);
      if (bytes.length === 0) {
        peer.socket.end();
      }
      return await peer.closed;
    };
    const logged = () => target.stderr.split("\n").filter((line) => /"level":"WARN"/.test(line)).length;
    let lasted: readonly number[] = [];
    await attacked.during(t, async () => {
      const before = logged();
      lasted = await Promise.all(
        Object.values(nonsense).flatMap((bytes) => Array.from({ length: 5 }, () => speak(bytes))),
      );
      const lines = logged() - before;
      assert.ok(lines < 20, `${lines} lines were logged`);
    });
    assert.ok(Math.max(...lasted) < 10_500, `${Math.max(...lasted)} ms`);
  });

  for (const [what, first, rest] of [
    ["say nothing", Buffer.alloc(0), Buffer.alloc(0)],
    ["say half a preface", Buffer.from("PRI * HTTP"), Buffer.alloc(0)],
    ["say half a header block", Buffer.concat([greeting, frame("headers", 1, callFields("/x"))]), Buffer.alloc(0)],
    ["say a byte in a while", Buffer.from("POST / HTTP/1.1\r\nhost: localhost\r\nx: "), Buffer.from("x")],
  ] as const) {
    test(`a thousand connections to ${name} that ${what} are gone within 15 s, few are served at once, and others are`, async (t) => {
      await using attacked = await openAttackedLab(t.signal, name);
      const { target, machine } = attacked;
      await attacked.during(t, async () => {
        const before = await hitsOf(target, "silent_per_source");
        const peers = await Promise.all(Array.from({ length: 1_000 }, () => RawPeer.dial(target.address, machine)));
        const drip = setInterval(() => rest.length > 0 && peers.forEach((peer) => void peer.send(rest)), 2_000);
        await Promise.all(peers.map((peer) => peer.send(first)));
        const lasted = await Promise.all(peers.map(({ closed }) => closed));
        clearInterval(drip);
        assert.ok(Math.max(...lasted) < 15_000, `${Math.max(...lasted)} ms`);
        assert.ok((await hitsOf(target, "silent_per_source")) - before > 500);
      });
    });
  }
}

import { once } from "node:events";
import type { Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";

/** What a connection speaks, by its first bytes. */
export type Spoken = "tls" | "http1" | "http2";

/** The first bytes of HTTP/2 with prior knowledge (RFC 9113, section 3.4); no HTTP/1.1 method begins with them. */
const http2Preface = Buffer.from("PRI");

/** The type of the record that carries a ClientHello (RFC 8446, section 5.1); no text begins with it. */
const handshakeRecord = 0x16;

/**
 * Reads just enough of a socket that nobody reads yet to know what it speaks, and puts it back. Throws when it says nothing
 * in time, or ends.
 */
export async function recognise(socket: Socket, patienceMs: number): Promise<Spoken> {
  let seen: Buffer = Buffer.alloc(0);
  const patience = AbortSignal.timeout(patienceMs);
  while (seen.length < http2Preface.length && http2Preface.subarray(0, seen.length).equals(seen)) {
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) {
      seen = Buffer.concat([seen, chunk]);
    } else if (socket.readableEnded || socket.destroyed) {
      throw new DutError("canceled", "the peer said nothing");
    } else {
      await Promise.race(["readable", "end", "close"].map((event) => once(socket, event, { signal: patience })));
    }
  }
  socket.unshift(seen);
  if (seen[0] === handshakeRecord) {
    return "tls";
  }
  return seen.subarray(0, http2Preface.length).equals(http2Preface) ? "http2" : "http1";
}

import { constants } from "node:http2";
import type { Socket } from "node:net";

/** What a peer gets to read the answer and close its side, in milliseconds. */
const lingerMs = 1_000;

const emptySettings = Buffer.from([0, 0, 0, 0x04, 0, 0, 0, 0, 0]);
const goawayType = 0x07;

/**
 * Says why a connection is not served in what its peer speaks, and closes it. `text` is one line. In HTTP/2 it is the debug
 * data of a GOAWAY, which clients show (RFC 9113, section 6.8).
 */
export function sayFarewell(socket: Socket, protocol: "http1" | "http2", status: number, text: string): void {
  socket.end(protocol === "http2" ? goaway(text) : answer(status, text));
  // Closed with something unread, it would be reset, and the peer would not hear the answer.
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(linger));
}

function goaway(text: string): Buffer {
  const reason = Buffer.from(text);
  const head = Buffer.alloc(9 + 8);
  head.writeUIntBE(8 + reason.length, 0, 3);
  head.writeUInt8(goawayType, 3);
  head.writeUInt32BE(constants.NGHTTP2_INADEQUATE_SECURITY, 13);
  return Buffer.concat([emptySettings, head, reason]);
}

function answer(status: number, text: string): string {
  const reason = status === 400 ? "Bad Request" : "Forbidden";
  return [
    `HTTP/1.1 ${status} ${reason}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(text) + 1}`,
    "Connection: close",
    "",
    `${text}\n`,
  ].join("\r\n");
}

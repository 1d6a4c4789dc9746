import { constants } from "node:http2";
import type { Socket } from "node:net";

/** What a peer gets to read the answer and close its side, in milliseconds. */
const lingerMs = 1_000;

const emptySettings = Buffer.from([0, 0, 0, 0x04, 0, 0, 0, 0, 0]);
const goawayType = 0x07;

/** By what HTTP/1.1 says and HTTP/2 ends with. */
const farewells = {
  400: { words: "Bad Request", code: constants.NGHTTP2_INADEQUATE_SECURITY },
  403: { words: "Forbidden", code: constants.NGHTTP2_INADEQUATE_SECURITY },
  429: { words: "Too Many Requests", code: constants.NGHTTP2_ENHANCE_YOUR_CALM },
} as const;

type FarewellStatus = keyof typeof farewells;

/**
 * Says why a connection is not served in what its peer speaks, and closes it. `text` is one line. In HTTP/2 it is the debug
 * data of a GOAWAY, which clients show (RFC 9113, section 6.8).
 */
export function sayFarewell(socket: Socket, protocol: "http1" | "http2", status: FarewellStatus, text: string): void {
  socket.end(protocol === "http2" ? goaway(status, text) : answer(status, text));
  // Closed with something unread, it would be reset, and the peer would not hear the answer.
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(linger));
}

function goaway(status: FarewellStatus, text: string): Buffer {
  const reason = Buffer.from(text);
  const head = Buffer.alloc(9 + 8);
  head.writeUIntBE(8 + reason.length, 0, 3);
  head.writeUInt8(goawayType, 3);
  head.writeUInt32BE(farewells[status].code, 13);
  return Buffer.concat([emptySettings, head, reason]);
}

function answer(status: FarewellStatus, text: string): string {
  return [
    `HTTP/1.1 ${status} ${farewells[status].words}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(text) + 1}`,
    "Connection: close",
    "",
    `${text}\n`,
  ].join("\r\n");
}

/** Frames of HTTP/2 (RFC 9113, section 4.1) byte by byte, for peers that do what no library would. */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export type FrameType = keyof typeof frameTypes;

export const flags = { endStream: 1, ack: 1, endHeaders: 4 } as const;

/** One frame. Stream 0 is the connection. */
export function frame(type: FrameType, stream: number, payload: Uint8Array = Buffer.alloc(0), flag = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(frameTypes[type], 3);
  head.writeUInt8(flag, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client begins with: the preface and empty settings. */
export const greeting = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame("settings", 0)]);

/** A field that is not to be indexed, with name and value as they are (RFC 7541, section 6.2.2); of at most 126 bytes each. */
export function field(name: string, value: string): Buffer {
  const text = (part: string) => [Buffer.from([part.length]), Buffer.from(part)];
  return Buffer.concat([Buffer.from([0]), ...text(name), ...text(value)]);
}

/** The fields of a call of gRPC. */
export function callFields(path: string): Buffer {
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
  };
  return Buffer.concat(Object.entries(fields).map(([name, value]) => field(name, value)));
}

/** A 32-bit number, as resets and window updates carry it. */
export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The whole frames that bytes begin with, and the rest. */
export function framesIn(bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let start = 0;
  while (bytes.length - start >= 9) {
    const end = start + 9 + bytes.readUIntBE(start, 3);
    if (end > bytes.length) {
      break;
    }
    const payload = bytes.subarray(start + 9, end);
    frames.push({ type: bytes.readUInt8(start + 3), stream: bytes.readUInt32BE(start + 5), payload });
    start = end;
  }
  return { frames, rest: bytes.subarray(start) };
}

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type Frame, type FrameType, framesIn, frameTypes } from "./http2-frames.ts";

/** A peer that sends whatever it wants, and keeps no more of the answers than what they tell about the end. */
export class RawPeer implements Disposable {
  readonly socket: Socket;
  /** Resolves when the connection is gone, with the milliseconds of the clock that it was there. */
  readonly closed: Promise<number>;
  /** The code of the GOAWAY that came last. */
  goaway: number | undefined;
  /** Frames that came, by type. */
  readonly heard = new Map<number, number>();
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket, clock: Pick<Performance, "now">) {
    this.socket = socket;
    const begun = clock.now();
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(clock.now() - begun)));
    socket.on("data", (bytes: Buffer) => {
      const { frames, rest } = framesIn(Buffer.concat([this.#rest, bytes]));
      this.#rest = Buffer.from(rest);
      for (const received of frames) {
        this.#hear(received);
      }
    });
    // Being cut off is what it is there for.
    socket.on("error", () => {});
  }

  /** Resolves when it is connected to `localhost:port`. */
  static async dial(address: string, clock: Pick<Performance, "now"> = performance): Promise<RawPeer> {
    const socket = connect({ host: "127.0.0.1", port: Number(address.split(":").at(-1)), noDelay: true });
    await once(socket, "connect");
    return new RawPeer(socket, clock);
  }

  get open(): boolean {
    return !this.socket.destroyed;
  }

  /** Resolves when so many frames of a type have come, or the connection is gone. */
  async hears(type: FrameType, count: number): Promise<void> {
    while (this.open && (this.heard.get(frameTypes[type]) ?? 0) < count) {
      await Promise.race([once(this.socket, "data").catch(() => {}), this.closed]);
    }
  }

  /** Resolves when the system has taken it, or the connection is gone. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.open && !this.socket.write(bytes)) {
      await Promise.race([once(this.socket, "drain").catch(() => {}), this.closed]);
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #hear({ type, payload }: Frame): void {
    this.heard.set(type, (this.heard.get(type) ?? 0) + 1);
    if (type === frameTypes.goaway) {
      this.goaway = payload.readUInt32BE(4);
    }
  }
}

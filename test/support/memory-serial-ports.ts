import { DutError } from "#pkg/errors/dut-error.ts";
import type { SerialPort, SerialPorts } from "#pkg/host/serial-ports.ts";

/** How a board behaves on its console. */
export interface MemoryBoard {
  /** What it said before anybody opened the port. */
  readonly stale?: string;
  /** What it says, piece by piece, once somebody listens. */
  readonly greeting?: readonly string[];
  /** What it says, piece by piece, when it hears exactly this in one write. */
  readonly answers?: Readonly<Record<string, readonly string[]>>;
  /** What makes it go away when it hears it, after its answer. */
  readonly diesAt?: string;
}

/** A serial device in memory, and what happened to it. */
export class MemorySerialDevice {
  readonly heard: string[] = [];
  readonly bauds: number[] = [];
  /** What happened to its lines, in order. */
  readonly lines: string[] = [];
  isOpen = false;
  /** How many keep other programs away. */
  claims = 0;
  readonly #board: MemoryBoard;
  #unread: Buffer[] = [];
  #gone: DutError | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(board: MemoryBoard) {
    this.#board = board;
    this.says(board.stale ?? "");
  }

  /** Each character of `text` is one byte. */
  says(...pieces: readonly string[]): void {
    this.#unread.push(...pieces.filter((piece) => piece !== "").map((piece) => Buffer.from(piece, "latin1")));
    this.#wake();
  }

  unplug(): void {
    this.#gone = new DutError("unavailable", "the device went away");
    this.#wake();
  }

  /** As if it were plugged in again: what it had said is gone. */
  replug(): void {
    this.#gone = undefined;
    this.#unread = [];
  }

  /** One that is unplugged before it was ever opened goes away as soon as it is. */
  get isAway(): boolean {
    return this.#gone !== undefined && this.bauds.length > 0;
  }

  open(baud: number): SerialPort {
    this.bauds.push(baud);
    this.isOpen = true;
    return {
      received: { [Symbol.asyncIterator]: () => this.#pieces() },
      write: async (bytes, signal) => {
        signal.throwIfAborted();
        this.#hear(Buffer.from(bytes).toString("latin1"));
      },
      flush: async () => {
        this.#unread = [];
      },
      configure: async (settings) => {
        this.bauds.push(settings.baud);
      },
      claim: async () => {
        this.claims += 1;
        return {
          [Symbol.asyncDispose]: async () => {
            this.claims -= 1;
          },
        };
      },
      setLine: async (line, on) => {
        this.lines.push(`${line} ${on ? "on" : "off"}`);
      },
      sendBreak: async (milliseconds) => {
        this.lines.push(`break ${milliseconds}`);
      },
      [Symbol.asyncDispose]: async () => {
        this.isOpen = false;
        this.#wake();
      },
    };
  }

  #hear(text: string): void {
    if (this.#gone !== undefined) {
      throw this.#gone;
    }
    this.heard.push(text);
    this.says(...(this.#board.answers?.[text] ?? []));
    if (text === this.#board.diesAt) {
      this.unplug();
    }
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void> {
    this.says(...(this.#board.greeting ?? []));
    while (this.isOpen) {
      const { promise: changed } = this.#changed;
      const piece = this.#unread.shift();
      if (piece !== undefined) {
        yield piece;
      } else if (this.#gone !== undefined) {
        throw this.#gone;
      } else {
        await changed;
      }
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Serial ports that exist in memory only, one board at each path. */
export function memorySerialPorts<Path extends string>(boards: Readonly<Record<Path, MemoryBoard>>) {
  const devices = Object.fromEntries(
    Object.entries<MemoryBoard>(boards).map(([path, board]) => [path, new MemorySerialDevice(board)]),
  ) as Record<Path, MemorySerialDevice>;
  const serialPorts: SerialPorts = {
    async open(path, { baud }) {
      if (!Object.hasOwn(devices, path)) {
        throw new DutError("not_found", `there is no serial device ${path}`);
      }
      const device = devices[path as Path];
      if (device.isAway) {
        throw new DutError("not_found", `there is no serial device ${path}`);
      }
      if (device.isOpen) {
        throw new DutError("failed_precondition", `serial port ${path} is in use by another run`);
      }
      return device.open(baud);
    },
    identify: async (path) => path,
    isWanted: async () => false,
  };
  return { serialPorts, devices };
}

import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Break, Direction, Fault } from "./line-fault.ts";
import type { Random } from "./pseudo-random.ts";
import { reset } from "./reset-socket.ts";

/** One direction of a connection. */
export interface Line {
  readonly direction: Direction;
  readonly from: Socket;
  readonly to: Socket;
  readonly fault: Fault;
  readonly random: Random;
  /** Resolves when bytes may be passed on. */
  open(): Promise<void>;
  passed(bytes: number): void;
}

/** What may be on its way in one direction of a delayed connection, in bytes: 100 ms at 300 MB/s. */
const delayedBytes = 32 * 1024 * 1024;

/** Passes bytes until the sender ends or the line breaks. Order is kept, and what the receiver does not take is not read from the sender. */
export async function passBytes(line: Line): Promise<void> {
  const { from, to, fault } = line;
  const cut = fault.cut?.direction === line.direction ? fault.cut : undefined;
  const isLate = (fault.delayMs ?? fault.jitterMs) !== undefined;
  const pace = new Pace(fault, line.random);
  let left = cut?.bytes ?? Number.POSITIVE_INFINITY;
  let last: Promise<unknown> = Promise.resolve();
  let queued = 0;
  const deliver = async (piece: Buffer, due: number) => {
    await until(due);
    await line.open();
    await taken(to, piece);
    queued -= piece.length;
  };
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (const piece of pace.slices(chunk.subarray(0, left))) {
        const due = pace.dueOf(piece);
        left -= piece.length;
        queued += piece.length;
        line.passed(piece.length);
        last = last.then(() => deliver(piece, due));
        if (!isLate || queued > delayedBytes) {
          await last;
        }
        await pace.turn();
      }
      if (left === 0) {
        break;
      }
    }
    await last;
    breakLine(line, cut !== undefined && left === 0 ? cut.how : "half-close");
  } catch {
    // Either side broke: its "close" breaks the other.
  }
}

function breakLine({ from, to }: Line, how: Break): void {
  switch (how) {
    case "half-close":
      to.end();
      return;
    case "stall":
      return;
    case "end":
      to.end();
      from.end().destroy();
      return;
    case "reset":
      reset(from);
      reset(to);
      return;
  }
}

/** When the pieces of one direction go, and when they arrive. */
class Pace {
  readonly #fault: Fault;
  readonly #random: Random;
  /** When the next piece may go, by `performance.now()`. */
  #freeAt = 0;
  #lastDue = 0;

  constructor(fault: Fault, random: Random) {
    this.#fault = fault;
    this.#random = random;
  }

  *slices(chunk: Buffer): Iterable<Buffer> {
    const most = this.#fault.slices?.mostBytes ?? chunk.length;
    for (let rest = chunk; rest.length > 0; ) {
      const length = this.#fault.slices === undefined ? rest.length : 1 + Math.floor(this.#random() * most);
      yield rest.subarray(0, length);
      rest = rest.subarray(length);
    }
  }

  /** When a piece that goes as soon as it may arrives; never before the one in front of it. */
  dueOf({ length }: Buffer): number {
    const { bytesPerSecond, slices, delayMs = 0, jitterMs = 0 } = this.#fault;
    const gone =
      Math.max(performance.now(), this.#freeAt) + (1000 * length) / (bytesPerSecond ?? Number.POSITIVE_INFINITY);
    this.#freeAt = gone + (slices === undefined ? 0 : slices.mostPauseMs * this.#random());
    this.#lastDue = Math.max(this.#lastDue, gone + delayMs + (jitterMs === 0 ? 0 : jitterMs * this.#random()));
    return this.#lastDue;
  }

  /** Waits until the next piece may go, or nearly: timers know no less than a millisecond, and what was saved is waited for later. */
  async turn(): Promise<void> {
    if (this.#freeAt - performance.now() >= 1) {
      await until(this.#freeAt);
    }
  }
}

/** Resolves when a socket has room for more, or has broken. */
function taken(to: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (to.destroyed || to.write(piece, () => resolve())) {
      resolve();
    }
  });
}

/** Resolves at a moment of `performance.now()`, or at once when it has passed. */
async function until(moment: number): Promise<void> {
  const ms = moment - performance.now();
  if (ms > 0) {
    await wait(Math.ceil(ms));
  }
}

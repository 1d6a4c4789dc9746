import { closeSync, readSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { errnoOf } from "./errno.ts";
import { openNewTerminal, openTerminal } from "./new-terminal.ts";
import type { Pty, Ptys } from "./ptys.ts";

/** Pseudo terminals of Linux. */
export function nodePtys(): Ptys {
  return {
    async open() {
      await using undo = new AsyncDisposableStack();
      const { owner, device } = await openNewTerminal(["raw", "-echo"]);
      undo.adopt(owner, closeSync);
      // While one descriptor of the device is open, programs may come and go without a hang-up.
      const held = undo.adopt(openTerminal(device), closeSync);
      undo.move();
      return new NodePty(device, owner, held);
    },
  };
}

class NodePty implements Pty {
  readonly device: string;
  readonly #owner: number;
  readonly #held: number;
  readonly #stream: ReadStream;
  readonly #scratch = new Uint8Array(4096);
  #state: "open" | "closed" = "open";

  constructor(device: string, owner: number, held: number) {
    this.device = device;
    this.#owner = owner;
    this.#held = held;
    this.#stream = new ReadStream(owner);
  }

  get received(): AsyncIterable<Uint8Array> {
    return untilClosed(this.#stream);
  }

  write(bytes: Uint8Array): number {
    return this.#now(() => writeSync(this.#owner, bytes));
  }

  takeBack(): number {
    return this.#now(() => readSync(this.#held, this.#scratch));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closed";
      closeSync(this.#held);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stream.once("close", () => resolve());
      this.#stream.destroy();
      await promise;
    }
  }

  #now(transfer: () => number): number {
    if (this.#state === "closed") {
      return 0;
    }
    try {
      return transfer();
    } catch (error) {
      if (errnoOf(error) === "EAGAIN") {
        return 0;
      }
      throw error;
    }
  }
}

async function* untilClosed(stream: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    if (errnoOf(error) !== "ERR_STREAM_PREMATURE_CLOSE") {
      throw error;
    }
  }
}

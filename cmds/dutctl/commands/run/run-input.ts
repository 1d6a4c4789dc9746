import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Link } from "./link.ts";
import { News } from "./news.ts";

/** The most that one message carries, in bytes. */
const messageBytes = 64 * 1024;

/** The most that is kept for an agent, however far ahead it lets us be. Bytes. */
const largestWindow = 1024 * 1024;

/** Where the agent stands with the input of a run. Offsets and sizes in bytes. */
export interface InputState {
  readonly offset: number;
  readonly ended: boolean;
  /** How far ahead of what was taken the input may be. */
  readonly window: number;
}

/**
 * What the user types or pipes in, on its way to a run. It is kept until the agent is known to have it, so that a new
 * connection goes on where the old one broke; reading waits while the agent has enough.
 */
export class RunInput {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #fail: (reason: DutError) => void;
  readonly #news = new News();
  /** What the agent may not have yet, and the offsets of its beginning and its end. */
  #kept: Uint8Array[] = [];
  #start = 0;
  #end = 0;
  #limit = 0;
  #window = 0;
  #state: "unread" | "read" | "ended" = "unread";

  /** `fail` is told when the source cannot be read. */
  constructor(source: AsyncIterable<Uint8Array>, fail: (reason: DutError) => void) {
    this.#source = source;
    this.#fail = fail;
  }

  /** Goes on where the agent stands, over this link until it is gone. Throws data_loss when that cannot be. */
  resume({ offset, ended, ...state }: InputState, link: Link): void {
    const window = Math.min(state.window, largestWindow);
    this.#window = window;
    if (this.#state === "unread") {
      this.#start = offset;
      this.#end = offset;
      this.#limit = offset + window;
      this.#state = ended ? "ended" : "read";
      if (!ended) {
        void this.#read();
      }
    }
    if (offset < this.#start || offset > this.#end) {
      throw new DutError("data_loss", `the agent has ${offset} bytes of the input, which cannot be`);
    }
    this.#forget(offset);
    if (!ended) {
      this.#send(offset, link).catch(() => {
        // The link is gone; the next one goes on.
      });
    }
  }

  /** The agent has no more need for what stands before an offset. */
  taken(offset: number): void {
    const taken = Math.min(offset, this.#end);
    this.#limit = Math.max(this.#limit, taken + this.#window);
    this.#forget(taken);
    this.#news.tell();
  }

  #forget(offset: number): void {
    for (let first = this.#kept[0]; first !== undefined && this.#start + first.length <= offset; ) {
      this.#start += first.length;
      this.#kept.shift();
      first = this.#kept[0];
    }
  }

  async #read(): Promise<void> {
    try {
      for await (const piece of this.#source) {
        this.#kept.push(piece);
        this.#end += piece.length;
        this.#news.tell();
        while (this.#end >= this.#limit) {
          await this.#news.next;
        }
      }
    } catch (error) {
      this.#fail(new DutError("aborted", `reading stdin: ${messageOf(error)}`, { cause: error }));
      return;
    }
    this.#state = "ended";
    this.#news.tell();
  }

  async #send(from: number, link: Link): Promise<void> {
    const patiently = link.patience();
    for (let offset = from; ; ) {
      const news = this.#news.next;
      const data = this.#pieceAt(offset);
      if (data !== undefined) {
        await patiently(link.queue.send({ msg: { case: "input", value: { data, offset: BigInt(offset) } } }));
        offset += data.length;
      } else if (this.#state === "ended" && offset === this.#end) {
        link.send({ case: "endOfInput", value: {} });
        return;
      } else {
        await patiently(news);
      }
    }
  }

  /** What may be sent from an offset on, undefined when that is nothing. */
  #pieceAt(offset: number): Uint8Array | undefined {
    const room = Math.min(this.#limit - offset, messageBytes);
    let at = this.#start;
    if (offset < at) {
      throw new DutError("data_loss", "the agent says that it has taken input which was not sent");
    }
    for (const piece of this.#kept) {
      if (offset < at + piece.length) {
        return room > 0 ? piece.subarray(offset - at, offset - at + room) : undefined;
      }
      at += piece.length;
    }
    return undefined;
  }
}

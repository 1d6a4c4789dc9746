import { DutError } from "#pkg/errors/dut-error.ts";
import type { FileRequest, RunResponse } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { Download } from "./download.ts";
import type { Stage } from "./stage.ts";

type Event = RunResponse["msg"];

/** What a transcript leaves to others. */
export interface TranscriptOptions {
  /** The run has said something before we came. */
  readonly late: boolean;
  /** The agent asks for a file. */
  request(request: FileRequest): Promise<void>;
  /** Waits, but not past the moment the user has had enough. */
  patiently<T>(work: Promise<T>): Promise<T>;
}

/** Everything a run says, dealt with in order and once, over however many connections it comes. */
export class Transcript implements AsyncDisposable {
  readonly #stage: Omit<Stage, keyof AsyncDisposable>;
  readonly #options: TranscriptOptions;
  #offset = 0;
  /** Whether anything was dealt with yet: what is missing before was never for us. */
  #begun: boolean;
  #download: Download | undefined;
  /** The file whose beginning another client got. */
  #passedOver: number | undefined;

  constructor(stage: Omit<Stage, keyof AsyncDisposable>, options: TranscriptOptions) {
    this.#stage = stage;
    this.#options = options;
    this.#begun = !options.late;
  }

  /** Everything below has been dealt with. In bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** Deals with an event unless that was done before. Throws what is wrong with it, or with the user's side. */
  async follow({ offset, msg }: Pick<RunResponse, "offset" | "msg">): Promise<void> {
    const start = Number(offset);
    const end = start + lengthOf(msg);
    if (end <= this.#offset) {
      return;
    }
    const seen = Math.max(0, this.#offset - start);
    const missing = start - this.#offset;
    this.#offset = end;
    if (missing > 0) {
      await this.#stage.note(
        this.#begun
          ? `[${missing} bytes of output were lost while the connection was down]`
          : `[the first ${missing} bytes of output are no longer kept]`,
      );
    }
    this.#begun = true;
    await this.#perform(msg, seen);
  }

  /** Passes over an event without a look at it. */
  skip({ offset, msg }: Pick<RunResponse, "offset" | "msg">): void {
    this.#offset = Math.max(this.#offset, Number(offset) + lengthOf(msg));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#download?.[Symbol.asyncDispose]();
    this.#download = undefined;
  }

  async #perform(msg: Event, seen: number): Promise<void> {
    const { console, desk, note } = this.#stage;
    const { request, patiently } = this.#options;
    switch (msg.case) {
      case "print":
      case "stdout":
      case "stderr":
        return patiently(console.show(msg.case, msg.value.subarray(seen)));
      case "notice":
        return note(msg.value);
      case "progress": {
        const { done, total, unit, label } = msg.value;
        const finished = total !== undefined && done >= total;
        return console.progress({ key: `module ${label}`, label, done, total, unit, finished });
      }
      case "rawMode":
        return console.rawMode(msg.value.on);
      case "fileRequest":
        return request(msg.value);
      case "fileHead":
        await this.#giveUpDownload();
        this.#download = await Download.begin(msg.value, desk);
        return;
      case "fileChunk":
        return (await this.#current(msg.value.transfer))?.write(msg.value, seen);
      case "fileEnd": {
        await using whole = await this.#current(msg.value.transfer);
        this.#download = undefined;
        return await whole?.finish(msg.value);
      }
    }
  }

  /** A file that has not ended when the next begins is one that the module could not send whole. */
  async #giveUpDownload(): Promise<void> {
    if (this.#download !== undefined) {
      await using download = this.#download;
      this.#download = undefined;
      await this.#stage.note(`the file ${download.shownName} did not come whole, and is not kept`);
    }
  }

  /** The file that a piece belongs to; undefined for one that had begun before we came. */
  async #current(transfer: number): Promise<Download | undefined> {
    if (this.#download?.transfer === transfer) {
      return this.#download;
    }
    if (!this.#options.late) {
      throw new DutError("data_loss", "the agent sent a piece of a file whose beginning never came");
    }
    if (this.#passedOver !== transfer) {
      this.#passedOver = transfer;
      await this.#stage.note("a file that was on its way to the client before is not received");
    }
    return undefined;
  }
}

/** The bytes that an event stands for in the offsets: those of its data, at least 1. */
function lengthOf(msg: Event): number {
  switch (msg.case) {
    case "print":
    case "stdout":
    case "stderr":
      return Math.max(1, msg.value.length);
    case "fileChunk":
      return Math.max(1, msg.value.data.length);
    case "notice":
      return Math.max(1, Buffer.byteLength(msg.value));
    default:
      return 1;
  }
}

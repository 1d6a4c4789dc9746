import { Code, ConnectError } from "@connectrpc/connect";
import type { RunRequest } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { Ear, type Heard } from "./journal-ear.ts";
import { type Answer, lengthOf, type Step } from "./journal-steps.ts";
import { ScriptedAgent } from "./scripted-agent.ts";

export interface JournalOptions {
  /** The connection is cut when so many messages have been sent, or received. */
  readonly cut?: { readonly after: number; readonly what: "sent" | "received" } | undefined;
  /** Bytes from the beginning of the output that are gone by the time somebody attaches. */
  readonly dropped?: number;
  /** So many times it is not known yet to who is asked to attach. Default 0. */
  readonly missed?: number;
  readonly inputWindow?: number;
  /** Whether input is taken as it is waited for. Default true. */
  readonly takesInput?: boolean;
  readonly fileWindow?: number;
}

/** An agent with one run of a fixed course, which it keeps whole: it can be cut off and attached to at any point. */
export class JournalAgent implements AsyncDisposable {
  readonly #ear = new Ear();
  readonly #steps: readonly Step[];
  readonly #options: JournalOptions;
  #agent: ScriptedAgent | undefined;
  #counted = { sent: 0, received: 0 };
  #missed = 0;
  #news = Promise.withResolvers<void>();

  private constructor(steps: readonly Step[], options: JournalOptions) {
    this.#steps = steps;
    this.#options = options;
  }

  static async start(steps: readonly Step[], options: JournalOptions = {}): Promise<JournalAgent> {
    const agent = new JournalAgent(steps, options);
    agent.#agent = await ScriptedAgent.start({ commands: () => ({ commands: ["x"] }) }, undefined, {
      runs: {
        run: (requests) => agent.#serve(requests),
        attach: (requests) => agent.#serve(requests),
      },
    });
    return agent;
  }

  get heard(): Heard {
    return this.#ear.heard;
  }

  get address(): string {
    return (this.#agent as ScriptedAgent).address;
  }

  /** How many messages have gone each way. */
  get messages(): Readonly<{ sent: number; received: number }> {
    return this.#counted;
  }

  crash(): void {
    this.#agent?.crash();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
  }

  async *#serve(requests: AsyncIterable<RunRequest>): AsyncGenerator<Answer> {
    const iterator = requests[Symbol.asyncIterator]();
    const first = (await iterator.next()).value as RunRequest;
    let from = 0;
    if (first.msg.case === "start") {
      const { command, args, graceMs, terminal } = first.msg.value;
      const screen = terminal && { type: terminal.type, rows: terminal.size?.rows, columns: terminal.size?.columns };
      this.heard.starts.push([first.device, command, ...args, Number(graceMs), screen]);
    } else if (first.msg.case === "resume") {
      if (this.heard.starts.length === 0) {
        throw new ConnectError("no such run", Code.NotFound);
      }
      if (this.#missed < (this.#options.missed ?? 0)) {
        this.#missed++;
        throw new ConnectError('device "dev1" not found', Code.NotFound);
      }
      from = Number(first.msg.value.offset);
      this.heard.attaches.push(from);
    }
    this.#count("received");
    void this.#listen(iterator);
    const sent: Answer[] = [];
    for await (const answer of this.#course(from)) {
      yield answer;
      sent.push(answer);
      this.#count("sent");
    }
  }

  async *#course(from: number): AsyncGenerator<Answer> {
    const { inputWindow = 64 * 1024, fileWindow = 4 * 1024 * 1024, dropped = 0 } = this.#options;
    const first = this.heard.attaches.length === 0 ? 0 : dropped;
    yield this.#started(BigInt(inputWindow), BigInt(fileWindow));
    let told = this.heard.input.length;
    let offset = 0;
    for (const step of this.#steps) {
      if (this.#ear.verdict !== undefined) {
        break;
      }
      if (!("case" in step)) {
        while (!this.#ear.reached(step) && this.#ear.verdict === undefined) {
          const news = this.#news.promise;
          const taken = this.heard.input.length;
          const file = "file" in step ? this.heard.files.get(step.file) : undefined;
          if (taken > told && this.#options.takesInput !== false) {
            told = taken;
            this.#ear.inputTaken = taken;
            yield { msg: { case: "inputTaken", value: { offset: BigInt(taken) } } };
          }
          if (file !== undefined && "file" in step) {
            yield { msg: { case: "fileTaken", value: { transfer: step.file, offset: BigInt(file.content.length) } } };
          }
          await news;
        }
        continue;
      }
      const length = lengthOf(step);
      if (offset + length > Math.max(from, first)) {
        yield { offset: BigInt(offset), msg: step };
      }
      offset += length;
    }
    if (this.#ear.verdict !== undefined) {
      const message = this.#ear.verdict === "refused" ? "the client does not send the file" : "cancelled";
      yield { offset: BigInt(offset), msg: { case: "end", value: { code: "canceled", message } } };
    }
  }

  #started(inputWindow: bigint, fileWindow: bigint): Answer {
    const current = [...this.heard.files].find(([, { whole }]) => !whole);
    const asked = this.#steps.findLast((step) => "file" in step);
    const file =
      current !== undefined
        ? { transfer: current[0], offset: BigInt(current[1].content.length) }
        : asked !== undefined && "file" in asked && !this.heard.files.has(asked.file)
          ? { transfer: asked.file, offset: 0n }
          : undefined;
    return {
      msg: {
        case: "started",
        value: {
          runId: "run",
          inputOffset: BigInt(this.heard.input.length),
          inputEnded: this.heard.inputEnded,
          inputWindow,
          fileWindow,
          ...(file === undefined ? {} : { file }),
        },
      },
    };
  }

  async #listen(requests: AsyncIterator<RunRequest>): Promise<void> {
    try {
      for (let next = await requests.next(); next.done !== true; next = await requests.next()) {
        this.#ear.hear(next.value);
        this.#news.resolve();
        this.#news = Promise.withResolvers();
        this.#count("received");
      }
    } catch {
      // The client is gone; it may come again.
    }
  }

  #count(what: "sent" | "received"): void {
    this.#counted[what] += 1;
    const { cut } = this.#options;
    if (cut?.what === what && cut.after === this.#counted[what]) {
      this.crash();
    }
  }
}

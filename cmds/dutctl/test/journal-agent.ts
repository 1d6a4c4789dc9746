import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RunRequest, RunResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { ScriptedAgent } from "./scripted-agent.ts";

type Answer = MessageInitShape<typeof RunResponseSchema>;
type Said = NonNullable<Answer["msg"]>;

/** What a run says, or what it waits for before it goes on. */
export type Step =
  | Said
  /** That so many bytes of input have come, or the end of the input when it is "end". */
  | { readonly until: number | "end" }
  /** That the file that was asked for as this transfer is whole. */
  | { readonly file: number }
  /** That it was told so many other things. */
  | { readonly others: number }
  /** That somebody has attached. */
  | { readonly attached: true };

type Wait = Exclude<Step, Said>;

export const print = (text: string): Step => ({ case: "print", value: Buffer.from(text) });
export const stdout = (data: string | Uint8Array): Step => ({ case: "stdout", value: Buffer.from(data) });
export const stderr = (data: string | Uint8Array): Step => ({ case: "stderr", value: Buffer.from(data) });
export const wanted = (transfer: number, name: string): Step => ({ case: "fileRequest", value: { transfer, name } });

/** The end of a run, a success unless it says otherwise. */
export function ended(
  end: { readonly code?: string; readonly message?: string; readonly exitStatus?: number } = {},
): Step {
  return { case: "end", value: { code: "ok", ...end } };
}

/** A file as the agent hands it over, in chunks of so many bytes. */
export function offered(transfer: number, name: string, content: Uint8Array, chunk = 256 * 1024): Step[] {
  const chunks: Step[] = [];
  for (let start = 0; start < content.length; start += chunk) {
    const data = content.subarray(start, start + chunk);
    chunks.push({ case: "fileChunk", value: { transfer, offset: BigInt(start), data } });
  }
  const sha256 = createHash("sha256").update(content).digest();
  return [
    { case: "fileHead", value: { transfer, name, size: BigInt(content.length), mode: 0o755 } },
    ...chunks,
    { case: "fileEnd", value: { transfer, size: BigInt(content.length), sha256 } },
  ];
}

export interface JournalOptions {
  /** The connection is cut when so many messages have been sent, or received. */
  readonly cut?: { readonly after: number; readonly what: "sent" | "received" } | undefined;
  /** Bytes from the beginning of the output that are gone by the time somebody attaches. */
  readonly dropped?: number;
  readonly inputWindow?: number;
  /** Whether input is taken as it is waited for. Default true. */
  readonly takesInput?: boolean;
  readonly fileWindow?: number;
}

/** What a run was told, however often it was told it. */
export interface Heard {
  readonly starts: unknown[];
  /** The offsets from which it was attached to. */
  readonly attaches: number[];
  input: string;
  inputEnded: boolean;
  readonly files: Map<number, { name: string; mode: number | undefined; content: Buffer; whole: boolean }>;
  /** Everything else, in short. */
  readonly others: unknown[];
  /** The most that input and files were ahead of what was taken, in bytes. */
  readonly ahead: { input: number; file: number };
}

/** An agent with one run of a fixed course, which it keeps whole: it can be cut off and attached to at any point. */
export class JournalAgent implements AsyncDisposable {
  readonly heard: Heard = {
    starts: [],
    attaches: [],
    input: "",
    inputEnded: false,
    files: new Map(),
    others: [],
    ahead: { input: 0, file: 0 },
  };
  readonly #steps: readonly Step[];
  readonly #options: JournalOptions;
  #agent: ScriptedAgent | undefined;
  #counted = { sent: 0, received: 0 };
  #news = Promise.withResolvers<void>();
  #inputTaken = 0;
  #refused = false;
  #cancelled = false;

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
      if (this.#refused || this.#cancelled) {
        break;
      }
      if (!("case" in step)) {
        while (!this.#reached(step) && !this.#refused && !this.#cancelled) {
          const news = this.#news.promise;
          const taken = this.heard.input.length;
          const file = "file" in step ? this.heard.files.get(step.file) : undefined;
          if (taken > told && this.#options.takesInput !== false) {
            told = taken;
            this.#inputTaken = taken;
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
    if (this.#refused || this.#cancelled) {
      const message = this.#refused ? "the client does not send the file" : "cancelled";
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

  #reached(step: Wait): boolean {
    if ("attached" in step) {
      return this.heard.attaches.length > 0;
    }
    if ("others" in step) {
      return this.heard.others.length >= step.others;
    }
    if ("file" in step) {
      return this.heard.files.get(step.file)?.whole === true;
    }
    return step.until === "end" ? this.heard.inputEnded : this.heard.input.length >= step.until;
  }

  async #listen(requests: AsyncIterator<RunRequest>): Promise<void> {
    try {
      for (let next = await requests.next(); next.done !== true; next = await requests.next()) {
        this.#hear(next.value);
        this.#news.resolve();
        this.#news = Promise.withResolvers();
        this.#count("received");
      }
    } catch {
      // The client is gone; it may come again.
    }
  }

  #hear({ msg }: RunRequest): void {
    const { heard } = this;
    switch (msg.case) {
      case "input": {
        const known = heard.input.length - Number(msg.value.offset);
        if (known < 0) {
          throw new Error("input is missing");
        }
        heard.input += Buffer.from(msg.value.data.subarray(known)).toString("latin1");
        heard.ahead.input = Math.max(heard.ahead.input, heard.input.length - this.#inputTaken);
        return;
      }
      case "endOfInput":
        heard.inputEnded = true;
        return;
      case "fileHead": {
        const { transfer, name, mode } = msg.value;
        if (!heard.files.has(transfer)) {
          heard.files.set(transfer, { name, mode, content: Buffer.alloc(0), whole: false });
        }
        return;
      }
      case "fileChunk": {
        const file = heard.files.get(msg.value.transfer);
        const known = (file?.content.length ?? 0) - Number(msg.value.offset);
        if (file === undefined || known < 0) {
          throw new Error("a piece of the file is missing");
        }
        file.content = Buffer.concat([file.content, msg.value.data.subarray(known)]);
        return;
      }
      case "fileEnd": {
        const file = heard.files.get(msg.value.transfer);
        const digest = createHash("sha256")
          .update(file?.content ?? "")
          .digest();
        if (file === undefined || !digest.equals(msg.value.sha256)) {
          throw new Error("the file is damaged");
        }
        file.whole = true;
        return;
      }
      case "fileRefusal":
        heard.others.push(["refusal", msg.value.code, msg.value.message]);
        this.#refused = true;
        return;
      case "cancel":
        heard.others.push(["cancel", msg.value.reason]);
        this.#cancelled = true;
        return;
      case "taken":
        heard.others.push(["taken", Number(msg.value.offset)]);
        return;
      case "signal":
        heard.others.push(["signal", msg.value.name]);
        return;
      case "resize":
        heard.others.push(["resize", msg.value.rows, msg.value.columns]);
        return;
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

function lengthOf(said: Said): number {
  switch (said.case) {
    case "print":
    case "stdout":
    case "stderr":
      return Math.max(1, (said.value as Uint8Array).length);
    case "fileChunk":
      return Math.max(1, (said.value.data as Uint8Array).length);
    case "notice":
      return Math.max(1, Buffer.byteLength(said.value as string));
    default:
      return 1;
  }
}

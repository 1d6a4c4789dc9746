import type { MessageInitShape } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Connection } from "#pkg/protocol/client.ts";
import type { RunRequestSchema, RunResponse } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

type Request = MessageInitShape<typeof RunRequestSchema>;
export type Message = NonNullable<Request["msg"]>;

interface Start {
  readonly runId: string;
  readonly args?: readonly string[];
  readonly graceMs?: number;
  readonly terminal?: { readonly rows: number; readonly columns: number };
}

/** A client of dutlab.v1 that does what a test says, message by message. */
export class RunClient implements Disposable {
  readonly #sent: Request[] = [];
  readonly #stop = new AbortController();
  readonly #responses: AsyncIterator<RunResponse>;
  #news = Promise.withResolvers<void>();
  #closed = false;

  private constructor(connection: Connection, method: "run" | "attach", first: Request) {
    this.#sent.push(first);
    const { signal } = this.#stop;
    this.#responses = connection.runs[method](this.#requests(), { signal })[Symbol.asyncIterator]();
  }

  static start(connection: Connection, { runId, args = [], graceMs = 0, terminal }: Start): RunClient {
    const value = {
      runId,
      command: "go",
      args: [...args],
      graceMs: BigInt(graceMs),
      ...(terminal === undefined ? {} : { terminal: { type: "xterm", size: terminal } }),
    };
    return new RunClient(connection, "run", { device: "board", msg: { case: "start", value } });
  }

  static attach(connection: Connection, runId: string, offset: number): RunClient {
    const value = { runId, offset: BigInt(offset) };
    return new RunClient(connection, "attach", { device: "board", msg: { case: "resume", value } });
  }

  send(...messages: readonly Message[]): void {
    this.#sent.push(...messages.map((msg) => ({ msg })));
    this.#tell();
  }

  /** Ends this half of the stream. */
  close(): void {
    this.#closed = true;
    this.#tell();
  }

  async next(): Promise<RunResponse | undefined> {
    const { value, done } = await this.#responses.next();
    return done === true ? undefined : value;
  }

  /** The rest in words, or what it was refused with. Takes what it hears, and closes its half at the end. */
  async toEnd(): Promise<string[]> {
    const lines: string[] = [];
    try {
      for (let response = await this.next(); response !== undefined; response = await this.next()) {
        lines.push(inWords(response));
        if (response.msg.case === "end") {
          this.close();
        }
      }
    } catch (error) {
      lines.push(error instanceof DutError ? `${error.code}: ${error.message}` : String(error));
    }
    return lines;
  }

  /** Hears until something has been said, and returns it. */
  async until(said: string): Promise<string> {
    for (let response = await this.next(); response !== undefined; response = await this.next()) {
      const words = inWords(response);
      if (words.includes(said)) {
        return words;
      }
    }
    throw new Error(`the run ended and never said ${said}`);
  }

  [Symbol.dispose](): void {
    this.#stop.abort(new Error("the test is over"));
  }

  async *#requests(): AsyncGenerator<Request> {
    for (;;) {
      const { promise } = this.#news;
      const request = this.#sent.shift();
      if (request !== undefined) {
        yield request;
      } else if (this.#closed || this.#stop.signal.aborted) {
        return;
      } else {
        await promise;
      }
    }
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

export function inWords({ offset, msg }: RunResponse): string {
  switch (msg.case) {
    case "started":
      return `started ${msg.value.runId}`;
    case "print":
    case "stdout":
    case "stderr":
      return `${offset} ${msg.case} ${Buffer.from(msg.value)}`;
    case "notice":
      return `${offset} notice ${msg.value}`;
    case "rawMode":
      return `${offset} raw mode ${msg.value.on ? "on" : "off"}`;
    case "progress":
      return `${offset} progress ${msg.value.done} of ${msg.value.total} ${msg.value.unit} ${msg.value.label}`;
    case "fileRequest":
      return `${offset} file request ${msg.value.transfer} ${msg.value.name}`;
    case "fileHead":
      return `${offset} file head ${msg.value.transfer} ${msg.value.name} ${msg.value.size} ${msg.value.mode}`;
    case "fileChunk":
      return `${offset} file chunk ${msg.value.transfer} ${msg.value.offset} ${Buffer.from(msg.value.data)}`;
    case "fileEnd":
      return `${offset} file end ${msg.value.transfer} ${msg.value.size} ${Buffer.from(msg.value.sha256).toString("hex")}`;
    case "end": {
      const { code, message, hint, exitStatus } = msg.value;
      const words = [`${offset} end ${code}`, message, hint && `(${hint})`, exitStatus && `status ${exitStatus}`];
      return words.filter((word) => word !== "" && word !== undefined).join(" ");
    }
    case "inputTaken":
      return `input taken ${msg.value.offset}`;
    case "fileTaken":
      return `file taken ${msg.value.transfer} ${msg.value.offset}`;
    case undefined:
      return "nothing";
  }
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import type { ReceivedFile, Session } from "#pkg/modules/session.ts";
import { ConsoleInput } from "./console-input.ts";
import { Outbox } from "./outbox.ts";

/** What a run says to its client, in order. The content of a file has to be read before the next event is taken. */
export type RunEvent =
  | { readonly kind: "print" | "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly kind: "file-request"; readonly name: string }
  | { readonly kind: "file"; readonly name: string; readonly content: AsyncIterable<Uint8Array> };

/**
 * Output that a run may be ahead of its client, in bytes: enough to keep a fast link busy, little enough that a thousand
 * stalled runs fit in memory.
 */
const aheadBytes = 256 * 1024;

/** Counted for an event besides its payload, so that empty ones are bounded too. */
const eventBytes = 64;

/** One run's conversation: modules see a Session, the wire's adapter takes events and puts input and files. */
export class Conversation implements Session {
  readonly stdin: ConsoleInput = new ConsoleInput();
  readonly #events = new Outbox<RunEvent>(aheadBytes);
  readonly #log: Log;
  /** Rejected when the conversation is over, for those who wait for the other side. */
  readonly #over = Promise.withResolvers<never>();
  #expected: { readonly name: string; readonly answer: PromiseWithResolvers<Uint8Array> } | undefined;
  #dropped = false;

  constructor(log: Log) {
    this.#log = log;
    // Usually nobody waits when it ends.
    this.#over.promise.catch(() => undefined);
  }

  // For modules.

  print(text: string): Promise<void> {
    return this.#say("print", Buffer.from(text));
  }

  stdout(bytes: Uint8Array): Promise<void> {
    return this.#say("stdout", bytes);
  }

  stderr(bytes: Uint8Array): Promise<void> {
    return this.#say("stderr", bytes);
  }

  /** The wire has no word for it. */
  async progress(): Promise<void> {}

  readonly terminal: undefined;

  async rawMode(): Promise<AsyncDisposable> {
    throw new DutError("failed_precondition", "the client has no terminal");
  }

  /** The wire has no word for it: the listener is never told. */
  onSignal(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  async requestFile(name: string): Promise<ReceivedFile> {
    if (this.#expected !== undefined) {
      throw new DutError("failed_precondition", `file request ${quote(name)}: a file request is already in progress`);
    }
    const answer = Promise.withResolvers<Uint8Array>();
    this.#expected = { name, answer };
    try {
      using _ = this.stdin.discardExcess();
      await this.#events.put({ kind: "file-request", name }, eventBytes);
      const content = await answer.promise;
      return Object.assign(once(content), { attributes: { size: content.length } });
    } finally {
      this.#expected = undefined;
    }
  }

  async sendFile(name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const taken = Promise.withResolvers<void>();
    await this.#events.put({ kind: "file", name, content: settling(content, taken) }, eventBytes);
    await Promise.race([taken.promise, this.#over.promise]);
  }

  // For the wire.

  get events(): AsyncIterable<RunEvent> {
    return this.#events;
  }

  /** Keeps console input; resolves when more may come. */
  async input(bytes: Uint8Array): Promise<void> {
    const kept = await this.stdin.put(bytes);
    if (!kept && !this.#dropped) {
      this.#dropped = true;
      this.#log.warn("console input that nobody reads is dropped");
    }
  }

  /** The client has ended its side: no more input, no more files. */
  endOfInput(): void {
    this.stdin.end();
    this.#expected?.answer.reject(
      new DutError("aborted", `the client ended its input without sending ${quote(this.#expected.name)}`),
    );
  }

  /** Takes the file that was asked for. Throws invalid_argument for any other. */
  file(name: string, content: Uint8Array): void {
    if (this.#expected === undefined) {
      throw badTransfer("received file-message without a former request");
    }
    if (this.#expected.name !== name) {
      throw badTransfer(`received file-message ${quote(name)} but requested ${quote(this.#expected.name)}`);
    }
    this.#expected.answer.resolve(content);
  }

  /** The run is to end: nobody waits for the client any more. What modules still print is passed on. */
  stop(reason: unknown): void {
    this.stdin.end();
    this.#expected?.answer.reject(reason);
    this.#over.reject(reason);
  }

  /** The modules have ended; the client gets the rest, then the error if there is one. */
  end(error?: unknown): void {
    this.#events.end(error);
    this.stop(error ?? new DutError("canceled", "the run is over"));
  }

  /** The client is gone: every call of a module that waits for it rejects with the reason. */
  abandon(reason: unknown): void {
    this.#events.abandon(reason);
    this.stop(reason);
  }

  async #say(kind: "print" | "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) {
      await this.#events.put({ kind, bytes }, bytes.length + eventBytes);
    }
  }
}

function badTransfer(problem: string): DutError {
  return new DutError("invalid_argument", `bad file transfer: ${problem}`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The same content, telling the sender when the reader is done with it. */
async function* settling(
  content: AsyncIterable<Uint8Array>,
  taken: PromiseWithResolvers<void>,
): AsyncIterable<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    taken.reject(error);
    throw error;
  } finally {
    taken.resolve();
  }
}

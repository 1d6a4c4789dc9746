import { z } from "zod";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { LocalConnection } from "#pkg/host/sockets.ts";

/** The QEMU Machine Protocol (docs/interop/qmp-spec of QEMU): JSON in lines, commands answered by id, events in between. */
export interface Qmp extends AsyncDisposable {
  /**
   * The command's answer. Throws failed_precondition with QEMU's words when it refuses, deadline_exceeded when it does not
   * answer within the limit, unavailable when it has gone, and the signal's reason.
   */
  execute(command: string, args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown>;
  /** Resolves when QEMU said its last, with all events told; never rejects. */
  readonly ended: Promise<void>;
}

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** No answer to what is asked here comes near it; a QEMU that has gone mad is given up. */
const longestLineBytes = 256 * 1024;

/** How long QEMU may take; it begins to answer when it has all its devices, and has read gigabytes perhaps. */
const usualLimits = { firstMs: 30_000, answerMs: 5000 };

const greeting = z.object({ QMP: z.object({}) });
const answer = z.object({ id: z.number(), return: z.unknown() });
const refusal = z.object({ id: z.number(), error: z.object({ desc: z.string() }) });
const event = z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) });
const message = z.union([refusal, answer.refine((said) => "return" in said), event, greeting]);

type Message = z.output<typeof message>;

/** Negotiates on a new connection to QEMU, which belongs to the result from then on. Throws as `execute`. */
export async function openQmp(
  connection: LocalConnection,
  onEvent: (event: QmpEvent) => void,
  signal: AbortSignal,
  { firstMs, answerMs } = usualLimits,
): Promise<Qmp> {
  await using opened = new AsyncDisposableStack();
  const qmp = opened.use(new Client(connection, onEvent, answerMs));
  await qmp.greeted(signal, firstMs);
  await qmp.execute("qmp_capabilities", {}, signal, firstMs);
  opened.move();
  return qmp;
}

class Client implements Qmp {
  readonly ended: Promise<void>;
  readonly #connection: LocalConnection;
  readonly #onEvent: (event: QmpEvent) => void;
  readonly #answerMs: number;
  readonly #greeting = Promise.withResolvers<unknown>();
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #over: DutError | undefined;

  constructor(connection: LocalConnection, onEvent: (event: QmpEvent) => void, answerMs: number) {
    this.#connection = connection;
    this.#onEvent = onEvent;
    this.#answerMs = answerMs;
    // Whoever waits for the greeting hears of it.
    this.#greeting.promise.catch(() => {});
    this.ended = this.#read().then(
      () => this.#end(new DutError("unavailable", "qemu closed its monitor")),
      (error: unknown) => this.#end(new DutError("data_loss", `qemu's monitor broke: ${messageOf(error)}`)),
    );
  }

  async greeted(signal: AbortSignal, limitMs: number): Promise<void> {
    await this.#within(limitMs, signal, () => this.#greeting.promise);
  }

  async execute(
    command: string,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    limitMs = this.#answerMs,
  ): Promise<unknown> {
    if (this.#over !== undefined) {
      throw this.#over;
    }
    const id = ++this.#lastId;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    try {
      return await this.#within(limitMs, signal, async (limited) => {
        const line = JSON.stringify({ execute: command, arguments: args, id });
        const [, answered] = await Promise.all([
          this.#connection.write(Buffer.from(`${line}\n`), limited),
          asked.promise,
        ]);
        return answered;
      });
    } finally {
      this.#asked.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
    await this.ended;
  }

  async #within<T>(limitMs: number, signal: AbortSignal, ask: (limited: AbortSignal) => Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(limitMs);
    const limited = AbortSignal.any([signal, late]);
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = () =>
      reject(
        signal.aborted
          ? signal.reason
          : new DutError("deadline_exceeded", `qemu does not answer within ${formatDuration(limitMs)}`, {
              hint: "see whether the agent's computer is overloaded; `off` cuts the power in any case",
            }),
      );
    limited.addEventListener("abort", giveUp);
    try {
      signal.throwIfAborted();
      return await Promise.race([given, ask(limited)]);
    } catch (error) {
      if (limited.aborted) {
        return await given;
      }
      throw error;
    } finally {
      limited.removeEventListener("abort", giveUp);
    }
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#connection.received)) {
      this.#take(message.parse(JSON.parse(line)));
    }
  }

  #take(said: Message): void {
    if ("event" in said) {
      this.#onEvent(said);
    } else if ("QMP" in said) {
      this.#greeting.resolve(said);
    } else if ("error" in said) {
      this.#asked.get(said.id)?.reject(new DutError("failed_precondition", `qemu refuses: ${said.error.desc}`));
    } else {
      this.#asked.get(said.id)?.resolve(said.return);
    }
  }

  #end(why: DutError): void {
    this.#over = why;
    this.#greeting.reject(why);
    for (const asked of this.#asked.values()) {
      asked.reject(why);
    }
  }
}

/** Throws when a line does not end. */
async function* linesOf(received: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const piece of received) {
    rest = Buffer.concat([rest, piece]);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > longestLineBytes) {
      throw new Error(`a line is longer than ${longestLineBytes} bytes`);
    }
  }
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { Call } from "#pkg/modules/module.ts";
import type { Progress, TerminalSize } from "#pkg/modules/session.ts";

/** One thing that a module said, in the order it said it. Bytes are shown as UTF-8 text. */
export type Utterance =
  | { print: string }
  | { stdout: string }
  | { stderr: string }
  | { progress: Progress }
  | { rawMode: boolean }
  | { requested: string }
  | { sent: string; content: string };

interface Given {
  readonly stdin?: Iterable<string> | AsyncIterable<string>;
  /** The files that the client has, by name. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly signal?: AbortSignal;
  /** The client's terminal; without one it has none. */
  readonly terminal?: { readonly type: string; readonly size: TerminalSize };
}

export interface RecordedCall {
  readonly call: Call;
  readonly transcript: Utterance[];
  /** The user sends a signal to what runs. */
  sendSignal(name: NodeJS.Signals): void;
  /** The user's terminal has another size now. */
  resize(size: TerminalSize): void;
}

/** A call whose whole conversation is kept in `transcript`. */
export function recordedCall(args: readonly string[], given: Given = {}): RecordedCall {
  const transcript: Utterance[] = [];
  const signals = new Set<(name: NodeJS.Signals) => void>();
  const sizes = new Set<(size: TerminalSize) => void>();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const say = async (utterance: Utterance) => {
    transcript.push(utterance);
  };
  async function* stdin() {
    for await (const piece of given.stdin ?? []) {
      yield Buffer.from(piece);
    }
  }
  async function* once(bytes: Uint8Array) {
    yield bytes;
  }
  const terminal = given.terminal && { ...given.terminal, onResize: listening(sizes) };
  const call: Call = {
    args,
    log: silentLog,
    signal: given.signal ?? new AbortController().signal,
    session: {
      print: (printed) => say({ print: printed }),
      stdout: (bytes) => say({ stdout: text(bytes) }),
      stderr: (bytes) => say({ stderr: text(bytes) }),
      progress: (progress) => say({ progress }),
      stdin: stdin(),
      terminal,
      async rawMode() {
        if (terminal === undefined) {
          throw new DutError("failed_precondition", "the client has no terminal");
        }
        transcript.push({ rawMode: true });
        return { [Symbol.asyncDispose]: () => say({ rawMode: false }) };
      },
      onSignal: listening(signals),
      async requestFile(name) {
        transcript.push({ requested: name });
        const content = given.files?.[name];
        if (content === undefined) {
          throw new DutError("not_found", `the client has no file ${name}`);
        }
        return Object.assign(once(content), { attributes: { size: content.length } });
      },
      async sendFile(name, content) {
        transcript.push({ sent: name, content: text(Buffer.concat(await Array.fromAsync(content))) });
      },
    },
  };
  return {
    call,
    transcript,
    sendSignal: (name) => tell(signals, name),
    resize: (size) => tell(sizes, size),
  };
}

function listening<T>(listeners: Set<(value: T) => void>): (listener: (value: T) => void) => Disposable {
  return (listener) => {
    listeners.add(listener);
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  };
}

function tell<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
  for (const listener of listeners) {
    listener(value);
  }
}

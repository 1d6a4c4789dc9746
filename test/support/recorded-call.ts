import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { Call } from "#pkg/modules/module.ts";

/** One thing that a module said, in the order it said it. Bytes are shown as UTF-8 text. */
export type Utterance =
  | { print: string }
  | { stdout: string }
  | { stderr: string }
  | { requested: string }
  | { sent: string; content: string };

interface Given {
  readonly stdin?: Iterable<string> | AsyncIterable<string>;
  /** The files that the client has, by name. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly signal?: AbortSignal;
}

/** A call whose whole conversation is kept in `transcript`. */
export function recordedCall(args: readonly string[], given: Given = {}): { call: Call; transcript: Utterance[] } {
  const transcript: Utterance[] = [];
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
  const call: Call = {
    args,
    log: silentLog,
    signal: given.signal ?? new AbortController().signal,
    session: {
      print: (printed) => say({ print: printed }),
      stdout: (bytes) => say({ stdout: text(bytes) }),
      stderr: (bytes) => say({ stderr: text(bytes) }),
      stdin: stdin(),
      async requestFile(name) {
        transcript.push({ requested: name });
        const content = given.files?.[name];
        if (content === undefined) {
          throw new DutError("not_found", `the client has no file ${name}`);
        }
        return once(content);
      },
      async sendFile(name, content) {
        transcript.push({ sent: name, content: text(Buffer.concat(await Array.fromAsync(content))) });
      },
    },
  };
  return { call, transcript };
}

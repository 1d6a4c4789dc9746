import { once } from "node:events";
import { silentLog } from "#pkg/log/log.ts";
import type { Call } from "#pkg/modules/module.ts";
import type { Encounters } from "./encounters.ts";

const size = { rows: 24, columns: 80 };

/**
 * A call of a user at a terminal who types nothing and has every file. Each thing that the module asks of the user is an
 * encounter, and rejects with the reason once the signal is aborted.
 */
export function metCall(args: readonly string[], encounters: Encounters, signal: AbortSignal): Call {
  const meet = async () => {
    encounters.meet();
    signal.throwIfAborted();
  };
  const listen = () => ({ [Symbol.dispose]() {} });
  const nothingTyped = async (): Promise<never> => {
    await meet();
    await once(signal, "abort");
    throw signal.reason;
  };
  async function* content(): AsyncGenerator<Uint8Array, void, void> {
    await meet();
    yield Buffer.from("content");
  }
  return {
    args,
    signal,
    log: silentLog,
    session: {
      print: () => meet(),
      stdout: () => meet(),
      stderr: () => meet(),
      progress: () => meet(),
      stdin: { [Symbol.asyncIterator]: () => ({ next: nothingTyped }) },
      terminal: { type: "xterm", size, onResize: listen },
      async rawMode() {
        await meet();
        return { async [Symbol.asyncDispose]() {} };
      },
      onSignal: listen,
      async requestFile() {
        await meet();
        return Object.assign(content(), { attributes: { size: 7 } });
      },
      async sendFile(_name, sent) {
        await meet();
        await Array.fromAsync(sent);
      },
    },
  };
}

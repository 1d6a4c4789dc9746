import { DutError } from "#pkg/errors/dut-error.ts";
import type { SerialPort } from "#pkg/host/serial-ports.ts";
import type { Call } from "../module.ts";
import { pause } from "../pause.ts";
import { nextPiece } from "./next-piece.ts";
import type { RunOutput } from "./run-output.ts";
import { startTimeLimit } from "./time-limit.ts";

/** How often a device that went away is looked for. */
const lookEveryMs = 250;

interface Interaction {
  /** Open, and nothing has been read from it. It is closed here. */
  readonly port: SerialPort;
  /** Opens the same path again. */
  reopen(): Promise<SerialPort>;
  readonly output: RunOutput;
  readonly timeoutMs: number | undefined;
}

/**
 * Joins the user and the device until the time is up, which is a success, or the signal aborts. Bytes pass unchanged in
 * both directions. A device that goes away is waited for, for as long as it takes; what is typed meanwhile is lost. The
 * end of the user's input ends nothing: the device's answer may take its time.
 */
export async function interact(interaction: Interaction, { session, signal }: Call): Promise<void> {
  using limit = startTimeLimit(signal, interaction.timeoutMs);
  await using line = new Line(interaction.port);
  await using _raw = session.terminal === undefined ? undefined : await session.rawMode();
  const failed = new AbortController();
  const over = AbortSignal.any([limit.signal, failed.signal]);
  const fail = (error: unknown) => {
    if (!over.aborted) {
      failed.abort(error);
    }
  };
  await Promise.all([showDevice(line, interaction, over).catch(fail), passKeys(session.stdin, line, over).catch(fail)]);
  failed.signal.throwIfAborted();
  signal.throwIfAborted();
}

/** The port as long as there is one. Disposing closes it. */
class Line implements AsyncDisposable {
  port: SerialPort | undefined;

  constructor(port: SerialPort) {
    this.port = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { port } = this;
    this.port = undefined;
    await port?.[Symbol.asyncDispose]();
  }
}

async function showDevice(line: Line, { reopen, output }: Interaction, signal: AbortSignal): Promise<void> {
  while (line.port !== undefined) {
    await showUntilLost(line.port, output, signal);
    await line[Symbol.asyncDispose]();
    await output.marker("Serial device disconnected, waiting to reconnect");
    line.port = await reconnect(reopen, signal);
    await output.marker("Serial device reconnected");
  }
}

async function showUntilLost(port: SerialPort, output: RunOutput, signal: AbortSignal): Promise<void> {
  const arrivals = port.received[Symbol.asyncIterator]();
  try {
    for (
      let piece = await nextPiece(arrivals, signal);
      piece !== undefined;
      piece = await nextPiece(arrivals, signal)
    ) {
      await output.device(piece);
    }
  } catch (error) {
    throwUnlessLost(error, signal);
  }
}

async function reconnect(reopen: () => Promise<SerialPort>, signal: AbortSignal): Promise<SerialPort> {
  for (;;) {
    await pause(lookEveryMs, signal);
    try {
      return await reopen();
    } catch (error) {
      // Besides not being there: its permissions may come a moment late, and what took it may give it back.
      if (!(error instanceof DutError) || error.code === "invalid_argument" || error.code === "internal") {
        throw error;
      }
    }
  }
}

async function passKeys(stdin: AsyncIterable<Uint8Array>, line: Line, signal: AbortSignal): Promise<void> {
  const keys = stdin[Symbol.asyncIterator]();
  try {
    for (let piece = await nextPiece(keys, signal); piece !== undefined; piece = await nextPiece(keys, signal)) {
      await line.port?.write(piece, signal).catch((error: unknown) => throwUnlessLost(error, signal));
    }
  } finally {
    // A reader that waits for the user answers only when the user does.
    void keys.return?.().catch(() => {});
  }
}

function throwUnlessLost(error: unknown, signal: AbortSignal): void {
  if (signal.aborted || !(error instanceof DutError && error.code === "unavailable")) {
    throw error;
  }
}

import { z } from "zod";
import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Host } from "#pkg/host/host.ts";
import type { SerialPort } from "#pkg/host/serial-ports.ts";
import { type Call, defineModule } from "#pkg/modules/module.ts";
import { helpText } from "./help.ts";
import { interact } from "./interact.ts";
import { parseScript, type Script } from "./parse-script.ts";
import { RunOutput } from "./run-output.ts";
import { runSteps } from "./run-steps.ts";
import { watch } from "./watch.ts";

/** How long the answer to a last send is shown. */
const lastAnswerMs = 1_000;

const config = z.strictObject({
  port: z
    .string({
      error: ({ input }) =>
        input === undefined ? "COM port is not set: give the path of the device" : "must be the path of the device",
    })
    .min(1, "COM port is not set: give the path of the device")
    .describe("path of the serial device on the agent, such as `/dev/ttyUSB0`"),
  baud: z.int().positive().default(115_200).describe("bits per second; always 8N1 without flow control"),
  delay: z
    .string()
    .default("50ms")
    .superRefine((text, context) => {
      try {
        parseDuration(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: explain(error) });
      }
    })
    .describe("pause before each send, as a Go duration; `0s` sets none"),
});

type Config = z.output<typeof config>;

/** A board's serial console: type at it, watch it, or talk to it by a script. The port is open during a run only. */
export const serial = defineModule({
  name: "serial",
  summary: "use or watch a serial console, or run expect and send steps on it",
  config,
  resources: ({ port }) => [{ kind: "serial port", name: port }],
  help: ({ port, baud }) => helpText(port, baud),
  async open(options, { host }) {
    return {
      async run(call) {
        const script = parseScript(call.args);
        await using port = await openPort(options, host);
        await port.flush();
        call.log.info("serial port open", { port: options.port, baud: options.baud });
        if (script.interactive || (script.steps.length === 0 && call.session.terminal !== undefined)) {
          await join(options, host, port, script, call);
        } else {
          await converse(options, port, script, call);
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function openPort({ port, baud }: Config, host: Host): Promise<SerialPort> {
  try {
    return await host.serialPorts.open(port, { baud });
  } catch (error) {
    if (!(error instanceof DutError)) {
      throw error;
    }
    const { code, hint } = error;
    const message = `failed to open serial port ${port}: ${error.message}`;
    throw new DutError(code, message, hint === undefined ? { cause: error } : { hint, cause: error });
  }
}

async function join(options: Config, host: Host, port: SerialPort, { timeoutMs }: Script, call: Call): Promise<void> {
  const output = new RunOutput(call.session, true);
  await output.marker(`Connected to ${options.port} at ${options.baud} baud`);
  await interact({ port, reopen: () => openPort(options, host), output, timeoutMs }, call);
  await output.marker("Connection closed");
}

async function converse({ port: path, baud, delay }: Config, port: SerialPort, script: Script, call: Call) {
  const { session, signal } = call;
  const output = new RunOutput(session, script.keepEscapes);
  const arrivals = port.received[Symbol.asyncIterator]();
  await output.marker(`Connected to ${path} at ${baud} baud`);
  if (script.steps.length === 0) {
    await monitor(arrivals, output, script.timeoutMs, signal);
    return;
  }
  try {
    await runSteps({ port, arrivals, output, delayMs: parseDuration(delay) }, script, signal);
  } catch (error) {
    if (!signal.aborted) {
      await output.flush();
    }
    throw error;
  }
  if (script.steps.at(-1)?.kind === "send") {
    await showLastAnswer(arrivals, output, call);
  }
  await output.marker("Script completed");
}

async function monitor(
  arrivals: AsyncIterator<Uint8Array>,
  output: RunOutput,
  timeoutMs: number | undefined,
  signal: AbortSignal,
) {
  try {
    await watch(arrivals, output, timeoutMs, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DutError)) {
      throw error;
    }
    const { code, hint } = error;
    const message = `monitor: ${messageOf(error)}`;
    throw new DutError(code, message, hint === undefined ? { cause: error } : { hint, cause: error });
  }
  await output.marker("Connection closed");
}

/** The device may well have gone away after the last send, to reboot for example: that does not fail the run. */
async function showLastAnswer(
  arrivals: AsyncIterator<Uint8Array>,
  output: RunOutput,
  { signal, log }: Call,
): Promise<void> {
  try {
    await watch(arrivals, output, lastAnswerMs, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof DutError && error.code === "unavailable")) {
      throw error;
    }
    log.info("serial port ended after the last send", { reason: error.message });
  }
}

import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { renderSettings } from "#pkg/host/serial/render-settings.ts";
import { type Call, defineModule } from "#pkg/modules/module.ts";
import { follow } from "./follow.ts";
import { helpText } from "./help.ts";
import { interact } from "./interact.ts";
import { portUser, recordingPlan, type SerialOptions, sendDelayMs, serialOptions } from "./options.ts";
import type { PortUse, SharedPort } from "./port/shared-port.ts";
import { sharePort } from "./port/shared-ports.ts";
import { parseScript, type Script } from "./script/parse-script.ts";
import { runSteps, type ScriptRun } from "./script/run-steps.ts";
import { RunOutput } from "./shown/run-output.ts";
import { startTimeLimit } from "./time-limit.ts";
import { watch } from "./watch.ts";

/** How long the answer to a last send is shown. */
const lastAnswerMs = 1_000;

/** A board's serial console: type at it, watch it, see what it said before, or talk to it by a script. */
export const serial = defineModule({
  name: "serial",
  summary: "use or watch a serial console, or run expect and send steps on it",
  config: serialOptions,
  resources: ({ port, watch: onlyLooks }) => (onlyLooks ? [] : [{ kind: "serial port", name: port }]),
  observes: (options) => options.watch,
  takesOver: takesDevice,
  help: (options) => helpText(options.port, renderSettings(portUser(options)), options.watch),
  async open(options, context) {
    const entry = await sharePort(options.port, portUser(options), recordingPlan(options), context);
    return {
      async run(call) {
        const script = parseScript(call.args);
        refuseUnfit(script, options, entry.port);
        if (script.noFollow) {
          await showHistory(entry.port, script, call);
          return;
        }
        await using use = await usePort(entry.port, options, script);
        const isTyping = script.interactive || (script.steps.length === 0 && call.session.terminal !== undefined);
        await perform({ use, port: entry.port, options, script }, isTyping && !options.watch, call);
      },
      [Symbol.asyncDispose]: () => entry[Symbol.asyncDispose](),
    };
  },
});

/** Arguments that are wrong take nothing; the run tells what is wrong with them. */
function takesDevice(args: readonly string[]): boolean {
  try {
    return parseScript(args).take;
  } catch (error) {
    if (error instanceof DutError) {
      return false;
    }
    throw error;
  }
}

interface Performance {
  readonly use: PortUse;
  readonly port: SharedPort;
  readonly options: SerialOptions;
  readonly script: Script;
}

function refuseUnfit(script: Script, { port: path, watch: onlyLooks }: SerialOptions, port: SharedPort): void {
  if (script.history !== undefined && !port.isRecorded) {
    throw new DutError("failed_precondition", `nothing is recorded of serial port ${path}`, {
      hint: "leave the option record: off out of the agent's configuration",
    });
  }
  const writing = script.interactive
    ? "-i"
    : script.steps.find(({ kind }) => kind !== "expect" && kind !== "fail-on")?.kind;
  if (onlyLooks && writing !== undefined) {
    throw new DutError("invalid_argument", `${quote(writing)} is not for this command, which only looks`, {
      hint: "use a command whose configuration does not say watch: true",
    });
  }
}

async function usePort(port: SharedPort, options: SerialOptions, { history = 0 }: Script): Promise<PortUse> {
  try {
    return await (options.watch ? port.watch(history) : port.write(portUser(options), history));
  } catch (error) {
    throw explained(`failed to open serial port ${options.port}`, error);
  }
}

/** The recorded lines, whether the device is there or not. */
async function showHistory(port: SharedPort, { history = 0, keepEscapes }: Script, { session }: Call): Promise<void> {
  const output = new RunOutput(session, keepEscapes, port.secrets);
  const { end } = port.history;
  using reader = port.look(history);
  while (reader.offset < end) {
    const piece = reader.take();
    if (piece === undefined) {
      break;
    }
    await output.piece(piece);
  }
  await output.flush();
}

async function perform(performance: Performance, isTyping: boolean, call: Call): Promise<void> {
  const { use, port, options, script } = performance;
  const { session, signal } = call;
  const output = new RunOutput(session, isTyping || script.keepEscapes, port.secrets);
  await output.marker(`Connected to ${options.port} at ${renderSettings(portUser(options))}`);
  using _offer = script.steps.length > 0 ? undefined : offerDevice(use, output, script, call);
  if (isTyping) {
    await interact({ use, output, timeoutMs: script.timeoutMs }, call);
    await output.marker("Connection closed");
  } else if (script.steps.length > 0) {
    await converse(performance, output, call);
  } else if (options.watch) {
    using limit = startTimeLimit(signal, script.timeoutMs);
    await follow(use.reader, output, limit.signal).catch((error: unknown) => {
      if (!limit.expired()) {
        throw error;
      }
    });
    await output.marker("Connection closed");
  } else {
    await monitor(performance, output, signal);
  }
}

/** A run without steps leaves the device to whom takes it, and looks on. */
function offerDevice(use: PortUse, output: RunOutput, { share }: Script, { hold, log }: Call): Disposable | undefined {
  return hold?.offer(share ? "anybody" : "owner", (to) => {
    Promise.all([
      use.stopWriting(),
      output.marker(`${quote(to)} has the device now, and you are watching; -take gets it back`),
    ]).catch((error: unknown) => log.info("a run that lost its device has ended", { reason: messageOf(error) }));
  });
}

async function converse({ use, port, options, script }: Performance, output: RunOutput, call: Call): Promise<void> {
  const line = { reader: use.reader, output, secrets: port.secrets, delayMs: sendDelayMs(options) };
  try {
    const run = await runSteps(line, script, call.signal);
    if (script.steps.at(-1)?.kind === "send") {
      await showLastAnswer(use, output, run, call);
    }
  } catch (error) {
    if (!call.signal.aborted) {
      await output.flush();
    }
    throw error;
  }
  await output.marker("Script completed");
}

async function monitor({ use, script }: Performance, output: RunOutput, signal: AbortSignal): Promise<void> {
  try {
    await watch({ reader: use.reader, output, forMs: script.timeoutMs }, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw explained("monitor", error);
  }
  await output.marker("Connection closed");
}

/** The device may well have gone away after the last send, to reboot for example: that does not fail the run. */
async function showLastAnswer(
  { reader }: PortUse,
  output: RunOutput,
  run: ScriptRun,
  { signal, log }: Call,
): Promise<void> {
  try {
    await watch({ reader, output, forMs: lastAnswerMs, seen: (text, over) => run.look(text, over) }, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof DutError && error.code === "unavailable")) {
      throw error;
    }
    log.info("serial port ended after the last send", { reason: error.message });
  }
}

function explained(what: string, error: unknown): unknown {
  if (!(error instanceof DutError)) {
    return error;
  }
  const { code, hint } = error;
  const message = `${what}: ${messageOf(error)}`;
  return new DutError(code, message, hint === undefined ? { cause: error } : { hint, cause: error });
}

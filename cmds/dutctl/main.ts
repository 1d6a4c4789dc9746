import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { openDiagnostics } from "./diagnostics.ts";
import { exitCodeOf, exits } from "./exit-codes.ts";
import { type CommandLine, type Invocation, parseCommandLine } from "./grammar.ts";
import { type Options, parseOptions } from "./options.ts";
import { type Output, openOutput } from "./output/output.ts";
import { outputAbout, type Subject, subjectOf } from "./output/subject.ts";
import { type Settings, settingsOfEnvironment } from "./settings.ts";
import { OutputClosed } from "./stdio.ts";
import type { World } from "./world.ts";

/** Runs one command line and returns the exit code. Nothing is left running when it does. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  try {
    return await interpret(argv, world);
  } catch (error) {
    if (error instanceof OutputClosed) {
      return (world.signal.aborted ? exits.interrupted : exits.failure).code;
    }
    if (error instanceof DutError) {
      // It could not be told where errors belong in this format. Nobody is left to be told when this fails too.
      await world.stderr.write(`${explain(error)}\n`).catch(() => {});
      return exits.failure.code;
    }
    throw error;
  }
}

async function interpret(argv: readonly string[], world: World): Promise<number> {
  let line: CommandLine;
  try {
    line = parseCommandLine(argv);
    if (line.kind === "request") {
      parseOptions(line.given);
    }
  } catch (error) {
    const { fullUsage, usageBehind } = await import("./help/usage.ts");
    await world.stderr.write(`${explain(asDutError(error))}\n${usageBehind(fullUsage(), world.stderr)}`);
    return exits.usage.code;
  }
  if (line.kind === "usage") {
    const { fullUsage } = await import("./help/usage.ts");
    await world.stderr.write(fullUsage());
    return exits.success.code;
  }
  if (line.request.name === "complete") {
    const { complete } = await import("./completion/complete.ts");
    return complete(line.request.words, world);
  }
  let options: Options;
  try {
    options = parseOptions(line.given, await settingsOf(line, world));
  } catch (error) {
    await world.stderr.write(`${explain(asDutError(error))}\n`);
    return exits.usage.code;
  }
  return perform({ ...line.request, options }, world);
}

/** The settings that matter to a request. Those that do without an agent must work to repair the rest. */
async function settingsOf(line: CommandLine & { kind: "request" }, world: World): Promise<Settings> {
  const { given, request } = line;
  switch (request.name) {
    case "help":
    case "completion":
    case "invalid":
      return {};
    case "version":
    case "config":
      return settingsOfEnvironment(world.env);
    default: {
      const { readSettings } = await import("./config/read-settings.ts");
      return readSettings(given.context, world);
    }
  }
}

/** Does what is asked, then what the end of a run demands in its order: warnings, error, usage. */
async function perform(invocation: Invocation, world: World): Promise<number> {
  const { options } = invocation;
  const log = openDiagnostics(options.log, world.stderr, colourOn(world.stderr, options, world));
  using deadline = deadlineOf(options.timeoutMs);
  const signal = AbortSignal.any([world.signal, deadline.signal]);
  const subject = subjectOf(invocation);
  const out = outputAbout(subject, await outputFor(options, world));
  let failure: { readonly error: DutError; readonly exitCode: number } | undefined;
  try {
    await act(invocation, { out, subject, log, world: { ...world, signal } });
  } catch (error) {
    if (error instanceof OutputClosed) {
      throw error;
    }
    failure = failureOf(error, world.signal, deadline.signal);
  }
  await log.flush();
  if (failure === undefined) {
    return exits.success.code;
  }
  const { error, exitCode } = failure;
  await out.write({ type: "general", isError: true, data: error.message, hint: error.hint });
  if (invocation.name === "invalid") {
    const { shortUsage, usageBehind } = await import("./help/usage.ts");
    await world.stderr.write(usageBehind(shortUsage(), world.stderr));
  }
  return exitCode;
}

async function act(
  invocation: Invocation,
  surroundings: {
    readonly out: Output;
    readonly subject: Subject;
    readonly log: ReturnType<typeof openDiagnostics>;
    readonly world: World;
  },
): Promise<void> {
  const { out, world } = surroundings;
  switch (invocation.name) {
    case "version":
      return (await import("./commands/version.ts")).version(out, world.runtime);
    case "help":
      return (await import("./commands/help.ts")).help(invocation.topic, out);
    case "config":
      return (await import("./commands/config.ts")).config(invocation.request, out, world);
    case "completion":
      return (await import("./commands/completion.ts")).completion(invocation.shell, world);
    case "complete":
      throw new Error("completion is answered before there are options");
    case "invalid":
      throw (await import("./grammar.ts")).invalidCommandLine(invocation);
    default:
      return (await import("./call-agent.ts")).callAgent(invocation, surroundings);
  }
}

/** What stopped the program explains an error that follows from it. */
function failureOf(error: unknown, interrupt: AbortSignal, deadline: AbortSignal) {
  if (interrupt.aborted) {
    return { error: new DutError("canceled", "interrupted"), exitCode: exits.interrupted.code };
  }
  if (deadline.aborted) {
    return { error: deadline.reason as DutError, exitCode: exits.timedOut.code };
  }
  const fault = error instanceof DutError ? error : new DutError("unknown", messageOf(error), { cause: error });
  return { error: fault, exitCode: exitCodeOf(fault) };
}

/** Aborted when the time for everything is over. */
function deadlineOf(timeoutMs: number | undefined): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  if (timeoutMs === undefined) {
    return { signal: over.signal, [Symbol.dispose]: () => {} };
  }
  const timer = setTimeout(() => {
    over.abort(new DutError("deadline_exceeded", `timed out after ${formatDuration(timeoutMs)}`));
  }, timeoutMs);
  return { signal: over.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

function outputFor(options: Options, world: World): Promise<Output> {
  const styleOf = (outlet: World["stdout"]) => ({
    colour: colourOn(outlet, options, world),
    isTerminal: outlet.isTerminal,
  });
  return openOutput(options.format, world, {
    verbose: options.verbose,
    stdout: styleOf(world.stdout),
    stderr: styleOf(world.stderr),
    now: () => world.now(),
  });
}

/** Each stream decides for itself; any value of NO_COLOR but the empty one means no. */
function colourOn(outlet: World["stdout"], options: Options, world: World): boolean {
  return options.colour && outlet.isTerminal && (world.env.NO_COLOR ?? "") === "";
}

function asDutError(error: unknown): DutError {
  if (error instanceof DutError) {
    return error;
  }
  throw error;
}

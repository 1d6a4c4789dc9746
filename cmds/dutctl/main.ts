import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { type Diagnostics, openDiagnostics } from "./diagnostics.ts";
import { type Invocation, type Options, parseInvocation } from "./grammar.ts";
import { type Output, openOutput } from "./output/output.ts";
import { OutputClosed } from "./stdio.ts";
import type { World } from "./world.ts";

const exitCodes = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** Runs one command line and returns the exit code. Nothing is left running when it does. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  try {
    return await interpret(argv, world);
  } catch (error) {
    if (error instanceof OutputClosed) {
      return world.signal.aborted ? exitCodes.interrupted : exitCodes.failure;
    }
    throw error;
  }
}

async function interpret(argv: readonly string[], world: World): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parseInvocation(argv);
  } catch (error) {
    if (!(error instanceof DutError)) {
      throw error;
    }
    const { fullUsage } = await import("./usage.ts");
    await world.stderr.write(`${explain(error)}\n${fullUsage()}`);
    return exitCodes.usage;
  }
  if (invocation.name === "help") {
    const { fullUsage } = await import("./usage.ts");
    await world.stderr.write(fullUsage());
    return exitCodes.success;
  }
  const { options } = invocation;
  const out = await outputFor(options, world);
  const log = openDiagnostics(options.log, world.stderr, colourOn(world.stderr, options, world));
  return perform(invocation, { out, log, world });
}

/** Does what is asked, then what the end of a run demands in its order: warnings, error, usage. */
async function perform(
  invocation: Exclude<Invocation, { name: "help" }>,
  { out, log, world }: { out: Output; log: Diagnostics; world: World },
): Promise<number> {
  if (invocation.name === "version") {
    const { version } = await import("./commands/version.ts");
    await version(out, world.runtime);
    return exitCodes.success;
  }
  if (invocation.name === "invalid") {
    const { shortUsage } = await import("./usage.ts");
    await out.write({ type: "general", isError: true, data: `invalid command line: ${invocation.reason}` });
    await world.stderr.write(shortUsage());
    return exitCodes.failure;
  }
  const { callAgent } = await import("./call-agent.ts");
  const outcome = await callAgent(invocation, { out, log, world });
  await log.flush();
  if (outcome.kind === "done") {
    return exitCodes.success;
  }
  if (outcome.kind === "interrupted") {
    await out.write({ type: "general", isError: true, data: "interrupted" });
    return exitCodes.interrupted;
  }
  await out.write({ type: "general", isError: true, data: outcome.message, hint: outcome.hint });
  return exitCodes.failure;
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

import type { ExitStatus, Processes, ProcessOptions } from "#pkg/host/processes.ts";
import type { Call } from "../module.ts";
import type { Manner } from "../options/manner-options.ts";
import { conduct } from "./conduct.ts";
import { Tail } from "./tail.ts";

/** What a quiet command keeps of its stderr for the case that it fails. */
const keptStderrBytes = 64 * 1024;

/** What a user runs, as himself: its outputs are his, and its input may be. */
export interface Command extends Pick<ProcessOptions, "program" | "args" | "cwd"> {
  /** For the error when it does not start. */
  readonly title: string;
}

/**
 * Runs a command to its end. Rejects with the reason of the run's end, once the command is gone; and when it does not
 * start, with `failed to execute <title>: …`.
 */
export async function runAsUser(
  call: Call,
  processes: Processes,
  command: Command,
  { quiet, interactive }: Manner,
): Promise<ExitStatus> {
  const { terminal } = call.session;
  if (quiet) {
    return await runQuietly(call, processes, command);
  }
  if (interactive && terminal !== undefined) {
    return await runOnTerminal(call, processes, command, terminal);
  }
  return await runCommand(call, processes, command, interactive ? "the user's" : "nothing");
}

/** Runs a command on pipes; with nothing on its stdin, or with the user's. */
async function runCommand(
  call: Call,
  processes: Processes,
  { title, ...command }: Command,
  input: "nothing" | "the user's",
): Promise<ExitStatus> {
  const { session } = call;
  const stdin = input === "nothing" ? {} : { stdin: session.stdin };
  return await conduct(call, {
    title,
    start: (signal) => processes.start({ ...command, signal, ...stdin }),
    stdout: (piece) => session.stdout(piece),
    stderr: (piece) => session.stderr(piece),
  });
}

/** Runs a command with nothing on its stdin and shows nothing but the end of its stderr when it fails. */
async function runQuietly(call: Call, processes: Processes, { title, ...command }: Command): Promise<ExitStatus> {
  const stderr = new Tail(keptStderrBytes);
  const status = await conduct(call, {
    title,
    start: (signal) => processes.start({ ...command, signal }),
    stdout: async () => {},
    stderr: async (piece) => stderr.push(piece),
  });
  if (status.kind === "killed" || status.code !== 0) {
    await showKept(stderr, call);
  }
  return status;
}

/** Runs a command on a terminal of its own, which is the user's as long as it runs. */
async function runOnTerminal(
  call: Call,
  processes: Processes,
  { title, ...command }: Command,
  terminal: NonNullable<Call["session"]["terminal"]>,
): Promise<ExitStatus> {
  const { session, log } = call;
  await using _raw = await session.rawMode();
  return await conduct(call, {
    title,
    start: (signal) => processes.startOnTerminal({ ...command, stdin: session.stdin, terminal, signal }),
    stdout: (piece) => session.stdout(piece),
    stderr: (piece) => session.stderr(piece),
    accompany: (child) =>
      terminal.onResize((size) => {
        child.resize(size).catch((error: unknown) => log.warn("cannot resize a terminal", { error }));
      }),
  });
}

async function showKept(stderr: Tail, { session }: Call): Promise<void> {
  if (stderr.cut > 0) {
    await session.stderr(
      Buffer.from(`[${stderr.cut} bytes of stderr left out, these are the last ${stderr.bytes.length}]\n`),
    );
  }
  if (stderr.bytes.length > 0) {
    await session.stderr(stderr.bytes);
  }
}

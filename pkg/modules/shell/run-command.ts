import type { ExitStatus, Processes } from "#pkg/host/processes.ts";
import type { Call } from "../module.ts";
import { conduct } from "../tool/conduct.ts";
import { Tail } from "../tool/tail.ts";

/** What a quiet command keeps of its stderr for the case that it fails. */
const keptStderrBytes = 64 * 1024;

interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Runs a command on pipes; with nothing on its stdin, or with the user's. */
export async function runCommand(
  call: Call,
  processes: Processes,
  { program, args }: Command,
  input: "nothing" | "the user's",
): Promise<ExitStatus> {
  const { session } = call;
  const stdin = input === "nothing" ? {} : { stdin: session.stdin };
  return await conduct(call, {
    title: "shell",
    start: (signal) => processes.start({ program, args, signal, ...stdin }),
    stdout: (piece) => session.stdout(piece),
    stderr: (piece) => session.stderr(piece),
  });
}

/** Runs a command with nothing on its stdin and shows nothing but the end of its stderr when it fails. */
export async function runQuietly(call: Call, processes: Processes, { program, args }: Command): Promise<ExitStatus> {
  const stderr = new Tail(keptStderrBytes);
  const status = await conduct(call, {
    title: "shell",
    start: (signal) => processes.start({ program, args, signal }),
    stdout: async () => {},
    stderr: async (piece) => stderr.push(piece),
  });
  if (status.kind === "killed" || status.code !== 0) {
    await showKept(stderr, call);
  }
  return status;
}

/** Runs a command on a terminal of its own, which is the user's as long as it runs. */
export async function runOnTerminal(
  call: Call,
  processes: Processes,
  { program, args }: Command,
  terminal: NonNullable<Call["session"]["terminal"]>,
): Promise<ExitStatus> {
  const { session, log } = call;
  await using _raw = await session.rawMode();
  return await conduct(call, {
    title: "shell",
    start: (signal) => processes.startOnTerminal({ program, args, stdin: session.stdin, terminal, signal }),
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

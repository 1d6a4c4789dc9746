import { z } from "zod";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ExitStatus, Processes } from "#pkg/host/processes.ts";
import { type Call, defineModule } from "../module.ts";
import { Tail } from "./tail.ts";

/** What a quiet command keeps of its stderr for the case that it fails. */
const keptStderrBytes = 64 * 1024;

/** Runs one command string in a shell on the agent. */
export const shell = defineModule({
  name: "shell",
  summary: "run a shell command on the agent",
  config: z.strictObject({
    path: z.string().min(1).default("/bin/sh").describe("the shell: a path, or a name that is searched on PATH"),
    quiet: z.boolean().default(false).describe("show nothing but the stderr of a command that failed"),
  }),
  help: ({ path, quiet }) => `<command-string>    runs ${path} -c <command-string> on the agent

The command string is one argument: quote it if it holds blanks or special characters.
Its stdin is empty, its environment and working directory are the agent's.
${quiet ? "Nothing is shown unless it fails; then its stderr is." : "Its stdout and stderr are shown as they are produced."}`,
  async open({ path, quiet }, { host: { processes } }) {
    const program = await processes.find(path);
    if (program === undefined) {
      throw new DutError("not_found", `there is no program ${quote(path)} on the agent to run shell commands with`, {
        hint: "set the option path to a shell of the agent, such as /bin/sh",
      });
    }
    return {
      async run(call) {
        const command = commandString(call.args);
        call.log.debug("run shell command", { path: program, command });
        const { status, stderr } = await runToTheEnd(call, processes, program, command, quiet);
        call.signal.throwIfAborted();
        if (status.kind === "exited" && status.code === 0) {
          return;
        }
        await showKept(stderr, call);
        throw new DutError("aborted", `shell command exited with ${inWords(status)}`);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

function commandString(args: readonly string[]): string {
  const [command] = args;
  if (command === undefined) {
    throw new DutError("invalid_argument", "missing command-string");
  }
  if (args.length > 1) {
    throw new DutError(
      "invalid_argument",
      "too many arguments - if the command-string contains spaces or special characters, quote it",
    );
  }
  return command;
}

async function runToTheEnd(
  { session, signal }: Call,
  processes: Processes,
  program: string,
  command: string,
  quiet: boolean,
): Promise<{ status: ExitStatus; stderr: Tail }> {
  const unheard = new AbortController();
  const over = AbortSignal.any([signal, unheard.signal]);
  await using child = await processes
    .start({ program, args: ["-c", command], signal: over })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw new DutError(
        error instanceof DutError ? error.code : "internal",
        `failed to execute shell: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    });
  // A command that is stopped is heard to its end. Reading goes on when nobody listens any more, so that it can write
  // in its grace and does not meet SIGPIPE.
  const hand = async (output: AsyncIterable<Uint8Array>, take: (piece: Uint8Array) => Promise<void>) => {
    for await (const piece of output) {
      if (!unheard.signal.aborted) {
        await take(piece).catch((error: unknown) => unheard.abort(error));
      }
    }
  };
  const stderr = new Tail(keptStderrBytes);
  const [status] = await Promise.all([
    child.exited,
    hand(child.stdout, quiet ? async () => {} : (piece) => session.stdout(piece)),
    hand(child.stderr, quiet ? async (piece) => stderr.push(piece) : (piece) => session.stderr(piece)),
  ]);
  over.throwIfAborted();
  return { status, stderr };
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

/** A signal is code -1, as scripts know it. */
function inWords(status: ExitStatus): string {
  return status.kind === "exited" ? `code ${status.code}` : `code -1 (${status.signal})`;
}

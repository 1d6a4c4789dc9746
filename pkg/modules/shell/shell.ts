import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ExitStatus, Processes } from "#pkg/host/processes.ts";
import { commandString } from "../command-string.ts";
import { type Call, defineModule } from "../module.ts";
import { mannerOptions, notBoth } from "../options/manner-options.ts";
import { RemoteExit } from "../remote-exit.ts";
import { runAsUser } from "../tool/run-as-user.ts";

const manner = mannerOptions("command");

const config = z
  .strictObject({
    path: z.string().min(1).default("/bin/sh").describe("the shell: a path, or a name that is searched on PATH"),
    ...manner,
    interactive: manner.interactive.describe(`${manner.interactive.description}; without a command, start a shell`),
  })
  .refine(...notBoth("shell"));

type Options = z.output<typeof config>;

/** Runs one command string in a shell on the agent, or the shell itself on the user's terminal. */
export const shell = defineModule({
  name: "shell",
  summary: "run a shell command on the agent",
  config,
  shellArguments: () => [0],
  help: helpText,
  async open(options, { host: { processes } }) {
    const program = await processes.find(options.path);
    if (program === undefined) {
      throw new DutError(
        "not_found",
        `there is no program ${quote(options.path)} on the agent to run shell commands with`,
        {
          hint: "set the option path to a shell of the agent, such as /bin/sh",
        },
      );
    }
    return {
      async run(call) {
        const command = commandString(call.args, options);
        call.log.debug("run shell command", { path: program, command });
        const status = await execute(call, processes, program, command, options);
        call.signal.throwIfAborted();
        throwUnlessWell(status);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function execute(
  call: Call,
  processes: Processes,
  program: string,
  command: string | undefined,
  options: Options,
): Promise<ExitStatus> {
  const login = options.interactive && call.session.terminal !== undefined ? ["-l"] : [];
  const args = command === undefined ? login : ["-c", command];
  return await runAsUser(call, processes, { title: "shell", program, args }, options);
}

/** A signal is code -1, as scripts know it. */
function throwUnlessWell(status: ExitStatus): void {
  if (status.kind === "killed") {
    throw new DutError("aborted", `shell command exited with code -1 (${status.signal})`);
  }
  if (status.code !== 0) {
    throw new RemoteExit(status.code, `shell command exited with code ${status.code}`);
  }
}

function helpText({ path, quiet, interactive }: Options): string {
  const usage = interactive
    ? `[<command-string>]    runs ${path} -c <command-string> on the agent, or without a command-string ${path} itself`
    : `<command-string>    runs ${path} -c <command-string> on the agent`;
  const input = interactive
    ? "It has your terminal; without one, its stdin is what is piped in. Its environment and working directory are the agent's."
    : "Its stdin is empty, its environment and working directory are the agent's.";
  const output = quiet
    ? "Nothing is shown unless it fails; then its stderr is."
    : "Its stdout and stderr are shown as they are produced.";
  return `${usage}

The command string is one argument: quote it if it holds blanks or special characters.
${input}
${output}`;
}

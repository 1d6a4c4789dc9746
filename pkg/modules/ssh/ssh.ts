import { DutError } from "#pkg/errors/dut-error.ts";
import { commandString } from "../command-string.ts";
import { type Call, defineModule } from "../module.ts";
import { RemoteExit } from "../remote-exit.ts";
import { connect } from "./connection/connect.ts";
import { nameOf } from "./connection/known-hosts.ts";
import { type SshOptions, sshOptions } from "./options.ts";
import { type RemoteEnd, runRemotely } from "./remote-command.ts";

/** Runs one command on a board, or any computer, that is reached over SSH. The connection lives as long as the run. */
export const ssh = defineModule({
  name: "ssh",
  summary: "run a command on a board over SSH",
  config: sshOptions,
  shellArguments: [0],
  help: helpText,
  async open(options, { host }) {
    return {
      async run(call) {
        const command = commandString(call.args, options);
        const { log, signal } = call;
        await using connection = await connect(options, { host, log, signal });
        log.debug("run SSH command", { host: nameOf(options.host, options.port), command });
        throwUnlessWell(await execute(options, command, connection.client, call));
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function execute(
  { interactive }: SshOptions,
  command: string | undefined,
  client: Parameters<typeof runRemotely>[0],
  call: Call,
): Promise<RemoteEnd> {
  const terminal = interactive ? call.session.terminal : undefined;
  await using _raw = terminal && (await call.session.rawMode());
  return await runRemotely(client, { command, terminal, stdin: interactive ? "the user's" : "nothing" }, call);
}

function throwUnlessWell(end: RemoteEnd): void {
  switch (end.kind) {
    case "exited":
      if (end.status !== 0) {
        throw new RemoteExit(end.status, `failed to execute command: Process exited with status ${end.status}`);
      }
      return;
    case "killed":
      throw new DutError(
        "aborted",
        `failed to execute command: Process exited from signal ${end.signal.replace(/^SIG/, "")}`,
      );
    case "lost":
      throw new DutError("unavailable", "failed to execute command: the connection was lost before it had ended", {
        hint: "the command may or may not have done its work: look before you repeat it",
      });
  }
}

function helpText({ interactive }: SshOptions): string {
  const usage = interactive
    ? "[<command-string>]    runs a command on the board over SSH, or without a command-string a shell"
    : "<command-string>    runs a command on the board over SSH";
  const input = interactive
    ? "It has your terminal; without one, its stdin is what is piped in."
    : "Its stdin is empty.";
  return `${usage}

The command string is one argument: quote it if it holds blanks or special characters.
${input} Its stdout and stderr are shown as they are produced.`;
}

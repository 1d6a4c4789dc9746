import type { Client } from "ssh2";
import { DutError } from "#pkg/errors/dut-error.ts";
import { commandString } from "../command-string.ts";
import { type Call, defineModule } from "../module.ts";
import { RemoteExit } from "../remote-exit.ts";
import { connect } from "./connection/connect.ts";
import { nameOf } from "./connection/known-hosts.ts";
import { helpText } from "./help.ts";
import { type SshOptions, sshOptions } from "./options.ts";
import { type RemoteEnd, runRemotely } from "./remote-command.ts";
import { carry } from "./sftp/carry.ts";
import { parsePaths } from "./sftp/parse-paths.ts";

/** Runs one command on a board, or any computer, that is reached over SSH, or carries a file to or from it. The connection lives as long as the run. */
export const ssh = defineModule({
  name: "ssh",
  summary: "run a command on a board over SSH, or carry a file",
  config: sshOptions,
  shellArguments: ({ operation }) => (operation === undefined ? [0] : []),
  help: helpText,
  async open(options, { host }) {
    return {
      async run(call) {
        const { log, signal } = call;
        const act = actOf(call.args, options);
        await using connection = await connect(options, { host, log, signal });
        await act(connection.client, call);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

/** Throws invalid_argument before anybody is connected to. */
function actOf(args: readonly string[], options: SshOptions): (client: Client, call: Call) => Promise<void> {
  const { operation } = options;
  if (operation !== undefined) {
    const paths = parsePaths(args, options);
    return (client, call) => carry(client, { ...options, operation, paths }, call);
  }
  const command = commandString(args, options);
  return async (client, call) => {
    call.log.debug("run SSH command", { host: nameOf(options.host, options.port), command });
    throwUnlessWell(await execute(options, command, client, call));
  };
}

async function execute(
  { interactive }: SshOptions,
  command: string | undefined,
  client: Client,
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

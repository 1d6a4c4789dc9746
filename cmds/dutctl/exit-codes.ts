import type { DutError, DutErrorCode } from "#pkg/errors/dut-error.ts";
import { CommandFailed, RunLost, TakenOver } from "./commands/run/endings.ts";
import { LeftConsole } from "./terminal/left-console.ts";

/** What the program ends with, and when, in the order of the table. A remote program's own status has 1 to 119 to itself. */
export const exits = {
  success: { code: 0, when: "it did what was asked" },
  failure: {
    code: 1,
    when: "it failed in any other way: a failed module, a local file, a remote program with a status above 119, a closed output",
  },
  usage: { code: 2, when: "the command line or a setting is wrong, or the agent refuses an argument" },
  unreachable: { code: 121, when: "the agent or the server cannot be reached; nothing was begun" },
  unknown: { code: 122, when: "there is no such device or command" },
  taken: { code: 123, when: "the device is locked or in use by somebody else" },
  timedOut: {
    code: 124,
    when: "the time of -timeout or of the command itself was over, or the agent did not answer in time",
  },
  lost: {
    code: 125,
    when: "the connection was lost in the middle of a run and could not be resumed, or another client has taken the run over: look before you repeat it",
  },
  refused: {
    code: 126,
    when: "it is not permitted: by the agent, by the protection of your files, or because the server does not show that it is the one that is meant",
  },
  interrupted: {
    code: 130,
    when: "interrupted by Ctrl-C or SIGTERM, where a second one ends the program at once; a console left by Ctrl-A x",
  },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly when: string }>>;

export type ExitName = keyof typeof exits;

const exitOfCode = {
  canceled: "failure",
  unknown: "failure",
  invalid_argument: "usage",
  deadline_exceeded: "timedOut",
  not_found: "unknown",
  already_exists: "failure",
  permission_denied: "refused",
  resource_exhausted: "failure",
  failed_precondition: "failure",
  aborted: "failure",
  out_of_range: "failure",
  unimplemented: "failure",
  internal: "failure",
  unavailable: "unreachable",
  data_loss: "failure",
  unauthenticated: "refused",
} as const satisfies Record<DutErrorCode, ExitName>;

/** What the program ends with for an error. */
export function exitCodeOf(error: DutError): number {
  if (error instanceof CommandFailed) {
    return exitCodeOfCommand(error);
  }
  if (error instanceof RunLost || error instanceof TakenOver) {
    return exits.lost.code;
  }
  if (error instanceof LeftConsole) {
    return exits.interrupted.code;
  }
  return exits[isTaken(error) ? "taken" : exitOfCode[error.code]].code;
}

/** The remote program's own status, where it cannot be taken for one of ours. */
function exitCodeOfCommand({ code, exitStatus }: CommandFailed): number {
  if (exitStatus !== undefined) {
    return exitStatus >= 1 && exitStatus <= 119 ? exitStatus : exits.failure.code;
  }
  const exit = exitOfCode[code];
  return exits[exit === "usage" || exit === "refused" || exit === "timedOut" ? exit : "failure"].code;
}

/** The words with which every agent refuses a device that somebody else has. */
const takenText = /^device "(?:[^"\\]|\\.)*" is locked by "/;

/** True when the agent refuses a device because somebody else has it. */
export function isTaken({ code, message }: DutError): boolean {
  return code === "failed_precondition" && takenText.test(message);
}

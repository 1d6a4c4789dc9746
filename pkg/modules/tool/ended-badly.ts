import { DutError } from "#pkg/errors/dut-error.ts";
import type { ExitStatus } from "#pkg/host/processes.ts";
import { RemoteExit } from "../remote-exit.ts";
import { excerpt } from "./excerpt.ts";

/** True for a program that says by its status that it did what it was asked. */
export function endedWell(status: ExitStatus): boolean {
  return status.kind === "exited" && status.code === 0;
}

/**
 * The failure of a module whose program did not end well: which program, how, and the last that it said. A status of its
 * own is told to the client.
 */
export function endedBadly(title: string, status: ExitStatus, said: string): DutError {
  const how = status.kind === "killed" ? `was ended by ${status.signal}` : `exited with code ${status.code}`;
  const message = [`${title} ${how}`, lastLine(said)].filter((part) => part !== "").join(": ");
  return status.kind === "killed" ? new DutError("aborted", message) : new RemoteExit(status.code, message);
}

/** A terminal's carriage returns begin a line anew, as progress bars do. */
function lastLine(said: string): string {
  const lines = said.trim().split(/[\r\n]+/);
  return excerpt(lines.at(-1)?.trim() ?? "");
}

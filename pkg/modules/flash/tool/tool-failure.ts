import { DutError } from "#pkg/errors/dut-error.ts";
import type { ExitStatus } from "#pkg/host/processes.ts";
import { endedBadly } from "#pkg/modules/tool/ended-badly.ts";
import { excerpt } from "#pkg/modules/tool/excerpt.ts";

/** What flashrom and flashprog say when there is no programmer, or no right to use it. */
const noProgrammer = /Programmer initialization failed/i;

/** What is known of a chip that a tool was writing to when it ended badly. */
export const undefinedContent = "the content of the chip is undefined now";

/** The failure of a tool in one clause: its status, the line that tells why, and what it may have done to the chip. */
export function toolFailure(status: ExitStatus, said: string, wasWriting: boolean): DutError {
  if (noProgrammer.test(said)) {
    const reason = "programmer initialization failed, check if the programmer hardware is connected and supported";
    return new DutError("aborted", `flash operation failed: ${reason}`, {
      hint: "the agent needs the right to use it, often by the group plugdev or a udev rule",
    });
  }
  const consequence = wasWriting ? `; ${undefinedContent}` : "";
  return endedBadly(
    "flash operation failed: flash tool",
    status,
    `${reasonIn(said) ?? "it says no more"}${consequence}`,
  );
}

/** The last line that speaks of a failure, else the last. */
function reasonIn(said: string): string | undefined {
  const lines = said.split(/[\r\n]+/).flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  const reason = lines.findLast((line) => /error|fail|can(?:'|no)t|could not|refus|denied/i.test(line)) ?? lines.at(-1);
  return reason && excerpt(reason);
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Processes } from "#pkg/host/processes.ts";

/**
 * The path of a program that a module spawns. Throws failed_precondition when the agent does not have it, with the Debian
 * package that does; undefined stands for a program that Debian does not have.
 */
export async function findTool(
  processes: Processes,
  program: string,
  debianPackage: string | undefined,
): Promise<string> {
  const found = await processes.find(program);
  if (found === undefined) {
    throw new DutError("failed_precondition", `there is no program ${quote(program)} on the agent`, {
      hint:
        debianPackage === undefined
          ? "install it, and see to it that it is on the PATH of the agent"
          : `install the Debian package ${debianPackage} on the agent`,
    });
  }
  return found;
}

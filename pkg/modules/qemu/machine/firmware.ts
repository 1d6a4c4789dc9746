import { join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { QemuPlan } from "../options.ts";
import { architectureOf, type Uefi } from "./architectures.ts";

interface Firmware {
  readonly code: string;
  /** The board's own, which stays like its disk. */
  readonly variables: string;
}

/** Finds UEFI firmware and makes the board's variable store when it has none. Throws failed_precondition when there is no firmware. */
export async function prepareFirmware({ arch, state }: QemuPlan, files: Files): Promise<Firmware> {
  const found = await findFirmware(architectureOf(arch).uefi as Uefi, files);
  const variables = join(state, "uefi-variables.fd");
  if ((await files.size(variables)) === undefined) {
    await using original = await files.read(found.variables);
    await using copy = await files.replace(variables);
    for await (const piece of original.content) {
      await copy.write(piece);
    }
    await copy.commit();
  }
  return { code: found.code, variables };
}

/** Throws failed_precondition when none of the files is there. */
export async function findFirmware({ files: known, debianPackage }: Uefi, files: Files): Promise<Firmware> {
  for (const pair of known) {
    if ((await files.size(pair.code)) !== undefined) {
      return pair;
    }
  }
  throw new DutError("failed_precondition", `there is no UEFI firmware ${known[0]?.code} on the agent`, {
    hint: `install the Debian package ${debianPackage} on the agent`,
  });
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { refuseUnfitName } from "#pkg/protocol/names.ts";

/** How many arguments a run may have, and how long each may be, in bytes of UTF-8. */
export interface ArgumentLimits {
  readonly count: number;
  readonly bytes: number;
}

/** What is larger is a file, and is better sent as one. */
export const usualArguments: ArgumentLimits = { count: 256, bytes: 4096 };

/** As many boards as one person looks after at once. */
export const usualRunsPerUser = 16;

/** Throws invalid_argument for names that nothing can have, resource_exhausted for arguments beyond the limits. */
export function refuseUnfitRequest(
  { device, command, args }: { readonly device: string; readonly command: string; readonly args: readonly string[] },
  { count, bytes }: ArgumentLimits,
): void {
  refuseUnfitName("device", device);
  refuseUnfitName("command", command);
  if (args.length > count) {
    throw new DutError(
      "resource_exhausted",
      `command ${quote(command)} was given ${args.length} arguments, at most ${count} are taken`,
    );
  }
  args.forEach((arg, index) => {
    const size = Buffer.byteLength(arg);
    if (size > bytes) {
      throw new DutError(
        "resource_exhausted",
        `argument ${index + 1} of command ${quote(command)} has ${size} bytes, at most ${bytes} are taken`,
        { hint: "send what is longer as a file, or as the input of the command" },
      );
    }
  });
}

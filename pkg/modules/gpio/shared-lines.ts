import { isDeepStrictEqual } from "node:util";
import { DutError } from "#pkg/errors/dut-error.ts";
import { SharedHardware, type Use } from "../hardware/shared-hardware.ts";
import type { OpenContext } from "../module.ts";
import { findChip } from "./chips.ts";
import { findGpiod } from "./gpiod.ts";
import { Line } from "./line.ts";
import { type LinePlan, nameOf, termsOf } from "./line-options.ts";

/** By chip and number. */
const lines = new SharedHardware<LinePlan, Line>();

/**
 * Takes a line, or shares the one that another entry of the configuration took. Throws invalid_argument when that one has
 * it on other terms or by another name, and as `findGpiod`, `findChip` and `Line.open`.
 */
export async function useLine(plan: LinePlan, { host, log, signal }: OpenContext): Promise<Use<Line>> {
  const gpiod = await findGpiod(host.processes, signal);
  const chip = await findChip(plan, host.processes, gpiod, signal);
  return await lines.use(host, `${chip.name} ${plan.pin}`, plan, {
    open: () => Line.open(plan, { chip, gpiod, host }, log, signal),
    refuse(first) {
      if (plan.chip !== first.chip) {
        throw new DutError("invalid_argument", `${nameOf(plan)} is called ${nameOf(first)} in another entry`, {
          hint: "name the chip alike in all entries of one line: by that the configuration is searched for lines that two devices have",
        });
      }
      if (!isDeepStrictEqual(plan, first)) {
        throw new DutError(
          "invalid_argument",
          `${nameOf(plan)} is ${termsOf(plan)} here and ${termsOf(first)} in another entry`,
          { hint: "give all entries of one line the same options, with a YAML anchor for instance" },
        );
      }
    },
  });
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { askToolWellInTime } from "../tool/ask-tool-in-time.ts";
import { answerMs, type Gpiod } from "./gpiod.ts";

export interface Chip {
  /** As in `/dev/gpiochip0`. */
  readonly name: string;
  readonly label: string;
  readonly lines: number;
}

/** Drivers of the pins on the header: up to the Pi 3, of the Pi 4, of the Pi 5. */
const headerLabels: ReadonlySet<string> = new Set(["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"]);

/** The chip that has a line. Throws failed_precondition when there is none, or nobody can say which, or it has fewer lines. */
export async function findChip(
  { chip: wanted, pin }: { readonly chip: string | undefined; readonly pin: number },
  processes: Processes,
  gpiod: Gpiod,
  signal: AbortSignal,
): Promise<Chip> {
  const options = { program: gpiod.detect, args: [], signal };
  const chips = parseChips(await askToolWellInTime(processes, "gpiodetect", options, answerMs));
  const chip = chooseChip(chips, wanted);
  if (pin >= chip.lines) {
    throw new DutError("failed_precondition", `there is no line ${pin} on ${describe(chip)}: it has ${chip.lines}`, {
      hint: "set the option pin to one of its lines; gpioinfo lists them",
    });
  }
  return chip;
}

/** Lines of gpiodetect(1), of 1.6 and 2.x alike: `gpiochip0 [pinctrl-bcm2711] (58 lines)`. */
export function parseChips(text: string): readonly Chip[] {
  return Array.from(text.matchAll(/^(\S+) \[(.*)\] \((\d+) lines?\)$/gm), ([, name = "", label = "", lines]) => ({
    name,
    label,
    lines: Number(lines),
  }));
}

/** Throws failed_precondition with the chips that there are. */
export function chooseChip(chips: readonly Chip[], wanted: string | undefined): Chip {
  if (chips.length === 0) {
    throw new DutError("failed_precondition", "there is no GPIO chip that the agent may use", {
      hint: "is there a /dev/gpiochip0, and is the agent's user in its group (gpio)?",
    });
  }
  const [chip, ...others] = chips.filter(({ name, label }) =>
    wanted === undefined ? headerLabels.has(label) : [name, `/dev/${name}`, label].includes(wanted),
  );
  if (chip !== undefined && others.length === 0) {
    return chip;
  }
  const count = chip === undefined ? "no GPIO chip" : "more than one GPIO chip";
  const which = wanted === undefined ? "of a Raspberry Pi's header" : `named ${quote(wanted)}`;
  throw new DutError("failed_precondition", `there is ${count} ${which}`, {
    hint: `set the option chip to one of ${chips.map(describe).join(", ")}`,
  });
}

function describe({ name, label }: Chip): string {
  return `${name} (${label})`;
}

import { describeOptions, type OptionDescription } from "#pkg/config/schema/describe-options.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ModuleKind } from "#pkg/modules/module.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";

/** `dutagent modules [name]`: every kind of module, or one, with its options. Throws invalid_argument and not_found. */
export function modulesText(args: readonly string[], kinds: readonly ModuleKind[] = moduleKinds): string {
  const [name, ...rest] = args;
  if (rest.length > 0) {
    throw new DutError("invalid_argument", "modules takes at most the name of one module");
  }
  const chosen = name === undefined ? kinds : kinds.filter((kind) => kind.name === name);
  if (name !== undefined && chosen.length === 0) {
    const meant = nearest(
      name,
      kinds.map((kind) => kind.name),
    );
    throw new DutError("not_found", `no module named ${quote(name)}`, {
      hint: meant === undefined ? "dutagent modules lists them" : `did you mean ${meant}?`,
    });
  }
  return chosen.map(moduleText).join("\n");
}

function moduleText(kind: ModuleKind): string {
  const options = describeOptions(kind);
  const width = Math.max(...options.map(({ name }) => name.length)) + 2;
  const lines = options.flatMap((option) => optionLines(option, width));
  return `${kind.name}: ${kind.summary}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function optionLines(
  { name, type, required, preset, description }: OptionDescription,
  width: number,
): readonly string[] {
  const facts = [type, ...(required ? ["required"] : []), ...(preset === undefined ? [] : [`default ${preset}`])];
  const head = `${name.padEnd(width)}${facts.join(", ")}`;
  return description === "" ? [head] : [head, `${" ".repeat(width)}${description}`];
}

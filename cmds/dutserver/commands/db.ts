import { DutError } from "#pkg/errors/dut-error.ts";
import { parseFlags } from "#pkg/golang/flags.ts";
import { recoverStore } from "#pkg/store/sqlite/recover.ts";
import { storeFlags, storeIn } from "../store-options.ts";

/** `dutserver db recover`: salvages what is right in a damaged file. Answers what to tell. */
export async function db(words: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const { values, positionals } = parseFlags(words, storeFlags);
  const spec = storeIn(values, env);
  if (positionals.join(" ") !== "recover" || spec.kind !== "sqlite") {
    throw new DutError("invalid_argument", "db takes the word recover, for a file in a state directory", {
      hint: "dutserver db [-state directory] recover",
    });
  }
  const { kept, lost, unreadable, damaged } = await recoverStore(spec.directory);
  return [
    `${kept} entries are in the new file; the damaged one is ${damaged}`,
    ...lost.map((key) => `lost: ${key}`),
    ...(unreadable === 0 ? [] : [`${unreadable} pages could not be read, and what was in them is not known`]),
    "",
  ].join("\n");
}

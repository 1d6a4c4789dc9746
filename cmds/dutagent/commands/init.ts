import { writeFile } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Flags, parseFlags } from "#pkg/golang/flags.ts";
import { errnoOf, fromErrno } from "#pkg/host/errno.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { firstConfig } from "./first-config.ts";
import { lookAround } from "./look-around.ts";

const flags = { force: { kind: "boolean", summary: "write over a file that is there" } } as const satisfies Flags;

/** What `dutagent init` has to say. */
interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * `dutagent init [-force] [file]`: a first configuration for this computer, to a file or as text. Throws
 * invalid_argument, already_exists for a file that is there, or why it cannot be written.
 */
export async function init(args: readonly string[], path: string): Promise<Outcome> {
  const { values, positionals } = parseFlags(args, flags);
  const [file, ...rest] = positionals;
  if (rest.length > 0) {
    throw new DutError("invalid_argument", "init takes at most the name of one file", {
      hint: "dutagent init [-force] [file]",
    });
  }
  const text = firstConfig(await lookAround("/", path), new Set(moduleKinds.map(({ name }) => name)));
  if (file === undefined) {
    return { stdout: text, stderr: "" };
  }
  await write(file, text, values.force === true);
  return { stdout: "", stderr: `wrote ${file}; next: dutagent -check-config -c ${file}\n` };
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    throw errnoOf(error) === "EEXIST"
      ? new DutError("already_exists", `${file} is there already`, { hint: "write another file, or use -force" })
      : fromErrno(error, `cannot write ${file}`);
  }
}

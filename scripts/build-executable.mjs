import { execFileSync } from "node:child_process";
import { mkdtempDisposable, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleProgram } from "./bundle-program.mjs";

/**
 * Options of Node for a program. The client ends before it has filled 16 MiB of young objects: with so much room from
 * the start it never stops to collect them, which is a tenth of `dutctl list`. The daemons collect theirs sooner: a
 * thousand runs at once leave a server 20 MB smaller, a gibibyte that passes through an agent leaves that 20 MB smaller,
 * and nothing measured is slower.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const nodeOptions = {
  dutctl: ["--min-semi-space-size=16"],
  dutagent: ["--max-semi-space-size=4"],
  dutserver: ["--max-semi-space-size=8"],
};

/**
 * Makes one executable of `cmds/<program>` and the Node at `base` (see baseNode). A code cache makes it start sooner,
 * and is right only when `base` is for this machine's platform.
 *
 * @param {{ program: string, base: string, executable: string, codeCache: boolean }} options
 */
export async function buildExecutable({ program, base, executable, codeCache }) {
  await using folder = await mkdtempDisposable(`${executable}-`);
  const main = join(folder.path, `${program}.cjs`);
  const output = join(folder.path, program);
  const config = join(folder.path, "config.json");
  await bundleProgram(program, main);
  const options = {
    main,
    output,
    executable: base,
    disableExperimentalSEAWarning: true,
    // Made by the Node that runs here, so it fits no other platform.
    useCodeCache: codeCache,
    execArgv: nodeOptions[program] ?? [],
    // Whoever may start the program shall not be able to put code into it by NODE_OPTIONS.
    execArgvExtension: "none",
  };
  await writeFile(config, JSON.stringify(options));
  execFileSync(process.execPath, ["--build-sea", config], { stdio: ["ignore", "ignore", "inherit"] });
  await rename(output, executable);
}

import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseNode } from "../../scripts/base-node.mjs";
import { buildExecutable } from "../../scripts/build-executable.mjs";

export type ProgramName = "dutctl" | "dutagent" | "dutserver";

/** The words that start each of the programs. */
export type Programs = Readonly<Record<ProgramName, readonly string[]>>;

const names: readonly ProgramName[] = ["dutctl", "dutagent", "dutserver"];

const commands = join(import.meta.dirname, "../../cmds");

export const sourcePrograms: Programs = programsBy((name) => [process.execPath, join(commands, name, `${name}.ts`)]);

/** Makes a folder with the programs from source, to be found by PATH. Resolves with its path. */
export async function programFolder(path: string): Promise<string> {
  await mkdir(path);
  for (const [name, words] of Object.entries(sourcePrograms)) {
    const start = words.map((word) => `'${word}'`).join(" ");
    await writeFile(join(path, name), `#!/bin/sh\nexec ${start} "$@"\n`, { mode: 0o755 });
  }
  return path;
}

/** The programs as they are shipped, built into a directory that goes with the disposal. */
export async function buildPrograms(): Promise<{ readonly programs: Programs } & AsyncDisposable> {
  await using acquired = new AsyncDisposableStack();
  const folder = acquired.use(await mkdtempDisposable(join(tmpdir(), "executables-")));
  const base = await baseNode(`${process.platform}-${process.arch}`);
  const pathOf = (name: ProgramName) => join(folder.path, name);
  await Promise.all(
    names.map((program) => buildExecutable({ program, base, executable: pathOf(program), codeCache: true })),
  );
  const release = acquired.move();
  return { programs: programsBy((name) => [pathOf(name)]), [Symbol.asyncDispose]: () => release.disposeAsync() };
}

/** The same programs, started by words in front of theirs. */
export function programsStartedBy(words: readonly string[], programs: Programs): Programs {
  return programsBy((name) => [...words, ...programs[name]]);
}

function programsBy(words: (name: ProgramName) => readonly string[]): Programs {
  return Object.fromEntries(names.map((name) => [name, words(name)])) as Record<ProgramName, readonly string[]>;
}

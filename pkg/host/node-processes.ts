import { randomUUID } from "node:crypto";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "./errno.ts";
import { Guard } from "./processes/guard.ts";
import { startOnPipes } from "./processes/on-pipes.ts";
import { startOnTerminal } from "./processes/on-terminal.ts";
import type { Processes, ProcessOptions } from "./processes.ts";

const startHint = "give the path of a program, or a name that is on PATH";

/**
 * The programs of this computer. Each leads a session and process group of its own and carries a mark in its
 * environment; on Linux neither it nor what it started outlives this process, however that ends.
 */
export function nodeProcesses(): Processes {
  const family = randomUUID();
  const guard = new Guard(family);
  let started = 0;
  const nextMark = async ({ signal, program, args }: StartOptions) => {
    signal.throwIfAborted();
    if ([program, ...args].some((text) => text.includes("\0"))) {
      throw new DutError("invalid_argument", `start ${JSON.stringify(program)}: an argument holds a NUL byte`);
    }
    await guard.watch();
    return `${family}.${++started}`;
  };
  return {
    async start(options) {
      const mark = await nextMark(options);
      return await startOnPipes(options, mark).catch(explainStart(options));
    },
    async startOnTerminal(options) {
      if ((await find(options.program)) === undefined) {
        throw new DutError("not_found", `start ${options.program}: no such program`, { hint: startHint });
      }
      const mark = await nextMark(options);
      return await startOnTerminal(options, mark).catch(explainStart(options));
    },
    find,
  };
}

type StartOptions = Pick<ProcessOptions, "signal" | "program" | "args" | "cwd">;

function explainStart(options: StartOptions): (error: unknown) => Promise<never> {
  return async (error) => {
    throw await startError(error, options);
  };
}

/** The kernel says ENOENT for a missing program, its missing interpreter, and a missing working directory alike. */
async function startError(error: unknown, { program, cwd }: StartOptions): Promise<DutError> {
  if (cwd !== undefined && !(await isFolder(cwd))) {
    return new DutError("not_found", `start ${program} in ${cwd}: there is no such folder`, { cause: error });
  }
  if (errnoOf(error) === "ENOENT" && (await find(program)) !== undefined) {
    return new DutError("not_found", `start ${program}: the interpreter that it names is missing`, {
      hint: "install what its first line has behind #!; a line that ends as on Windows, in CR and LF, names another program",
      cause: error,
    });
  }
  return fromErrno(error, `start ${program}`, { hint: startHint });
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

async function find(program: string): Promise<string | undefined> {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const paths = program.includes("/") ? [program] : folders.map((folder) => join(folder, program));
  for (const path of paths) {
    if (await isProgram(path)) {
      return path;
    }
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return false;
  }
}

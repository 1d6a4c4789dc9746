import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "./errno.ts";
import { Guard } from "./processes/guard.ts";
import { markVariable } from "./processes/mark.ts";
import { openPipes, type Pipes } from "./processes/pipes.ts";
import { RunningProcess } from "./processes/running-process.ts";
import type { Processes, ProcessOptions } from "./processes.ts";

/**
 * The programs of this computer. Each leads a session and process group of its own and carries a mark in its
 * environment; on Linux neither it nor what it started outlives this process, however that ends.
 */
export function nodeProcesses(): Processes {
  const family = randomUUID();
  const guard = new Guard(family);
  let started = 0;
  return {
    async start(options) {
      options.signal.throwIfAborted();
      if ([options.program, ...options.args].some((text) => text.includes("\0"))) {
        throw new DutError(
          "invalid_argument",
          `start ${JSON.stringify(options.program)}: an argument holds a NUL byte`,
        );
      }
      await guard.watch();
      return await startMarked(options, `${family}.${++started}`);
    },
    find,
  };
}

async function startMarked(options: ProcessOptions, mark: string): Promise<RunningProcess> {
  const pipes = await openPipes();
  try {
    const child = spawnOnto(pipes, options, mark);
    await once(child, "spawn");
    return new RunningProcess({ child, pid: child.pid as number, mark, outputs: pipes.readEnds }, options);
  } catch (error) {
    pipes.readEnds.forEach(closeSync);
    throw await startError(error, options);
  }
}

function spawnOnto(pipes: Pipes, { program, args, cwd, env }: ProcessOptions, mark: string): ChildProcess {
  using _ = pipes;
  return spawn(program, args, {
    cwd,
    detached: true,
    env: { ...process.env, ...env, [markVariable]: mark },
    stdio: ["ignore", ...pipes.writeEnds],
  });
}

/** The kernel says ENOENT for a missing program and for a missing working directory alike. */
async function startError(error: unknown, { program, cwd }: ProcessOptions): Promise<DutError> {
  if (cwd !== undefined && !(await isFolder(cwd))) {
    return new DutError("not_found", `start ${program} in ${cwd}: there is no such folder`, { cause: error });
  }
  return fromErrno(error, `start ${program}`, { hint: "give the path of a program, or a name that is on PATH" });
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

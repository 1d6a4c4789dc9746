import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Place } from "./place.ts";
import { startFailure } from "./start-failure.ts";

/** An agent's log begins anew beyond this. */
const longestLog = 1024 * 1024;

/** How long an agent that is told to end may take before it is killed, in milliseconds. */
const endMs = 3_000;

/** An agent that was started and may not serve yet. Disposing ends it, and resolves when it has ended, unless it was let go. */
export interface StartedAgent extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has stopped because nobody came; rejects with the reason when it could not serve. */
  readonly ended: Promise<void>;
  letGo(): void;
}

export interface StartOptions {
  readonly words: readonly string[];
  /** Its real path. */
  readonly config: string;
  readonly place: Place;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Starts an agent for a configuration, in a session of its own so that neither Ctrl-C nor the end of the terminal reaches
 * it. One that finds another agent serving the place waits for that one's end. Throws unavailable when it cannot be started.
 */
export async function startAgent({ words, config, place, env }: StartOptions): Promise<StartedAgent> {
  const from = await lengthOfLog(place.log);
  await using log = await open(place.log, "a", 0o600);
  const [program = "", ...args] = words;
  const child = spawn(
    program,
    [...args, "-a", `unix:${place.socket}`, "-users", place.users, "-c", config, "-log", "info", "-log-json"],
    { cwd: dirname(config), env: { ...env }, detached: true, stdio: ["ignore", log.fd, log.fd] },
  );
  child.unref();
  try {
    await once(child, "spawn");
  } catch (error) {
    throw new DutError("unavailable", `cannot start ${program}: ${messageOf(error)}`, { cause: error });
  }
  let held = true;
  const exited = once(child, "exit");
  const ended = exited.then(async ([status, signal]) => {
    if (status !== 0) {
      throw await startFailure({ config, log: place.log, from, end: signal ?? `exit status ${status}` });
    }
  });
  ended.catch(() => {
    // Nobody may be waiting any more.
  });
  return {
    pid: Number(child.pid),
    ended,
    letGo() {
      held = false;
    },
    async [Symbol.asyncDispose]() {
      if (!held || !isRunning(child)) {
        return;
      }
      child.kill("SIGTERM");
      const kill = setTimeout(() => child.kill("SIGKILL"), endMs);
      await exited;
      clearTimeout(kill);
    },
  };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

async function lengthOfLog(path: string): Promise<number> {
  try {
    const { size } = await stat(path);
    if (size <= longestLog) {
      return size;
    }
    await truncate(path);
    return 0;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return 0;
    }
    throw new DutError("unavailable", `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

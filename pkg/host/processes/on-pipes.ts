import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { feed } from "../input.ts";
import type { HostProcess, ProcessOptions } from "../processes.ts";
import { markVariable } from "./mark.ts";
import { closeEnds, openPipes, type Pipes } from "./pipes.ts";
import { RunningProcess } from "./running-process.ts";

/** Starts a program on pipes. Throws Node's own error when it cannot be started. */
export async function startOnPipes(options: ProcessOptions, mark: string): Promise<HostProcess> {
  const pipes = await openPipes(options.stdin !== undefined);
  const child = await spawnOnto(pipes, options, mark).catch((error: unknown) => {
    closeEnds(pipes.ours);
    throw error;
  });
  const { stdout, stderr, stdin } = pipes.ours;
  const input = stdin === undefined ? undefined : new Socket({ fd: stdin, readable: false, writable: true });
  const inputFailed = new AbortController();
  if (input !== undefined && options.stdin !== undefined) {
    // A program may close its input before it has read all of it; "close" follows.
    input.on("error", () => {});
    feed(options.stdin, input, "pipe").catch((error: unknown) => inputFailed.abort(error));
  }
  const pid = child.pid as number;
  return new RunningProcess(
    {
      child,
      pid,
      mark,
      stdout: new Socket({ fd: stdout, readable: true, writable: false }),
      stderr: new Socket({ fd: stderr, readable: true, writable: false }),
      stdin: input,
      foreground: () => pid,
    },
    { ...options, signal: AbortSignal.any([options.signal, inputFailed.signal]) },
  );
}

async function spawnOnto(pipes: Pipes, options: ProcessOptions, mark: string): Promise<ChildProcess> {
  using _ = pipes;
  const { stdin, stdout, stderr } = pipes.programs;
  const child = spawn(options.program, options.args, {
    cwd: options.cwd,
    detached: true,
    env: { ...process.env, ...options.env, [markVariable]: mark },
    stdio: [stdin ?? "ignore", stdout, stderr],
  });
  await once(child, "spawn");
  return child;
}

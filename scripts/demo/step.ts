import { DutError } from "#pkg/errors/dut-error.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { type Lab, labVariable } from "./lab.ts";
import { type Screen, secondsSince } from "./screen.ts";

/** What a user types, and what has to come of it besides success: exactly this output, or output that matches. */
export interface Step {
  readonly line: string;
  readonly prints: string | RegExp;
}

/** The longest step boots a board; on two busy cores that takes ten seconds. */
const stepMs = 60_000;

/**
 * Types a line into a shell in the lab's folder and shows what comes. Throws aborted when the line fails or prints
 * something else, deadline_exceeded when it hangs.
 */
export async function perform(
  { line, prints }: Step,
  lab: Lab,
  { processes, screen, signal }: { processes: Processes; screen: Screen; signal: AbortSignal },
): Promise<void> {
  screen.command(line);
  const started = performance.now();
  const limited = AbortSignal.any([signal, AbortSignal.timeout(stepMs)]);
  await using shell = await processes.start({
    program: "/bin/sh",
    args: ["-c", `exec 2>&1\n${lab.dutctl}\n${line}`],
    cwd: lab.folder,
    env: { [labVariable]: lab.folder },
    signal: limited,
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of shell.stdout) {
    screen.output(piece);
    pieces.push(piece);
  }
  const status = await shell.exited;
  signal.throwIfAborted();
  const output = Buffer.concat(pieces).toString();
  if (limited.aborted) {
    throw new DutError("deadline_exceeded", `the command did not end within ${stepMs / 1000} s: ${line}`);
  }
  if (status.kind !== "exited" || status.code !== 0) {
    const how = status.kind === "exited" ? `status ${status.code}` : status.signal;
    throw new DutError("aborted", `the command ended with ${how}: ${line}`);
  }
  if (typeof prints === "string" ? output !== prints : !prints.test(output)) {
    const expected = typeof prints === "string" ? `exactly ${JSON.stringify(prints)}` : `what matches ${prints}`;
    throw new DutError("aborted", `the command should have printed ${expected}: ${line}`);
  }
  screen.passed(secondsSince(started));
}

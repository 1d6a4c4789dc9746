import { spawnSync } from "node:child_process";
import { Child } from "./child.ts";

/** The `skip` option of a test that needs a terminal of its own. */
export const withoutTerminal: string | false =
  spawnSync("script", ["--version"], { stdio: "ignore" }).status === 0
    ? false
    : "needs script: apt-get install bsdutils";

interface Given {
  /** An abort, such as of a test that took too long, hangs the terminal up. */
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a shell script on a terminal of its own, 30 lines of 100 characters. What is written to the child's standard
 * input is typed there; what the terminal shows is its standard output, with the line ends of a terminal.
 */
export function onTerminal(shellScript: string, { signal, env = {} }: Given): Child {
  const words = `stty rows 30 cols 100; ${shellScript}`;
  const child = new Child(["script", "-qec", words, "/dev/null"], {
    cwd: process.cwd(),
    env: { ...process.env, SHELL: "/bin/sh", TERM: "xterm-256color", ...env },
  });
  signal.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
  return child;
}

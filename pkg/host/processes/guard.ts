import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fromErrno } from "../errno.ts";
import { markVariable } from "./mark.ts";

/**
 * Waits on a pipe that the agent holds until the agent is gone, however it ended, then kills whatever still carries
 * the agent's mark, group by group, until nothing is found. Needs a shell, grep and /proc. The third field behind the
 * name in /proc/PID/stat is the process group.
 */
const script = `
trap '' HUP INT TERM
read -r nothing
rounds=0
while [ $rounds -lt 100 ]; do
  found=$(grep -lsF "$1" /proc/[0-9]*/environ)
  [ -n "$found" ] || exit 0
  for path in $found; do
    read -r stat < "\${path%environ}stat" || continue
    set -- "$1" \${stat##*) }
    kill -9 "-$4"
  done 2>/dev/null
  rounds=$((rounds + 1))
done`;

/**
 * Sees to it that what this process starts with marks `<mark>.…` does not outlive it, not even a SIGKILL. One small
 * shell per agent, not one per program; it is started again if somebody ended it.
 */
export class Guard {
  readonly #mark: string;
  #shell: ChildProcess | undefined;

  constructor(mark: string) {
    this.#mark = mark;
  }

  /** To be awaited before each start of a marked program. Throws when there is no shell to guard with. */
  async watch(): Promise<void> {
    if (process.platform !== "linux" || (this.#shell?.exitCode === null && this.#shell.signalCode === null)) {
      return;
    }
    const shell = spawn("/bin/sh", ["-c", script, "dut-guard", `${markVariable}=${this.#mark}.`], {
      cwd: "/",
      detached: true,
      // Without the marks of an agent above this one, whose guard would end this guard before its work is done.
      env: { PATH: process.env.PATH },
      stdio: ["pipe", "ignore", "ignore"],
    });
    shell.unref();
    this.#shell = shell;
    try {
      await once(shell, "spawn");
    } catch (error) {
      this.#shell = undefined;
      throw fromErrno(error, "start /bin/sh, which ends programs when the agent dies");
    }
  }
}

import { closeSync, openSync } from "node:fs";
import { serviceManager } from "./service-manager.ts";
import { writeStandardOutput } from "./standard-output.ts";

/** What a program that runs until it is told to stop sees of the process it runs in. */
export interface Daemon {
  readonly argv: readonly string[];
  readonly env: Record<string, string | undefined>;
  /** Such as `node26.10.0`. */
  readonly runtime: string;
  /** Aborted by the first SIGINT, SIGTERM or SIGQUIT; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /**
   * Told every SIGHUP until disposed; without a listener it ends the process. When it comes because the terminal went
   * away that the program was started on, it stops the program like the other signals.
   */
  onHangUp(listener: () => void): Disposable;
  /** The program serves now: tells the service manager that started it, if one did. */
  ready(): void;
  /** Resolves when all of it was taken, or its reader has left; rejects with what is to be told to the user. */
  stdout(text: string): Promise<void>;
  stderr(text: string): void;
}

export type DaemonMain = (daemon: Daemon) => Promise<number>;

/** The exit status of a process that a second signal ended. */
const endedAtOnce = 1;

/** Runs a program in this process and leaves with its exit status, whatever it has left open. */
export function runDaemon(main: DaemonMain): void {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGQUIT"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) {
        process.exit(endedAtOnce);
      }
      stop.abort(name);
    });
  }
  const manager = serviceManager(process.env, (reason) => void process.stderr.write(`${reason}\n`));
  stop.signal.addEventListener("abort", () => manager[Symbol.dispose]());
  const hadTerminal = hasTerminal();
  const daemon: Daemon = {
    argv: process.argv.slice(2),
    env: process.env,
    runtime: `node${process.versions.node}`,
    signal: stop.signal,
    onHangUp(listener) {
      const hangUp = () => (hadTerminal && !hasTerminal() ? stop.abort("SIGHUP") : listener());
      process.on("SIGHUP", hangUp);
      return { [Symbol.dispose]: () => void process.off("SIGHUP", hangUp) };
    },
    ready: () => manager.ready(),
    stdout: writeStandardOutput,
    stderr: (text) => void process.stderr.write(text),
  };
  void main(daemon)
    .catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      return 1;
    })
    .then((status) => process.exit(status));
}

/** Whether this process belongs to a terminal that is still there. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    // Without a terminal the kernel refuses in several ways, and so does a system without such a device.
    return false;
  }
}

/** Resolves when the signal is aborted, also when that has happened already. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (!signal.aborted) {
    await promise;
  }
}

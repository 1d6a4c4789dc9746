/** What a program that runs until it is told to stop sees of the process it runs in. */
export interface Daemon {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Such as `node26.10.0`. */
  readonly runtime: string;
  /** Aborted by the first SIGINT, SIGTERM or SIGQUIT; a second one ends the process at once. */
  readonly signal: AbortSignal;
  stdout(text: string): void;
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
  const daemon: Daemon = {
    argv: process.argv.slice(2),
    env: process.env,
    runtime: `node${process.versions.node}`,
    signal: stop.signal,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  };
  void main(daemon).then(
    (status) => process.exit(status),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
}

/** Resolves when the signal is aborted, also when that has happened already. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (!signal.aborted) {
    await promise;
  }
}

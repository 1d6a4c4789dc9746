import type { Child } from "#test/support/child.ts";
import type { Lab } from "#test/support/lab.ts";

/** dutctl on a terminal of its own, and what has become of both. */
export interface TerminalSession {
  readonly child: Child;
  /** What the terminal has shown. */
  shown(): string;
  /** The process id of dutctl itself. */
  pid(): Promise<number>;
  type(keys: string): void;
  /** Resolves when dutctl has ended; `settingsAsBefore` compares the terminal's settings, as stty tells them. */
  outcome(): Promise<{ readonly code: number; readonly settingsAsBefore: boolean }>;
}

/** Starts dutctl on a terminal of 30 lines of 100 characters; what that shows is also kept, byte by byte, in a file. */
export function startOnTerminal(lab: Lab, args: readonly string[], recording = "/dev/null"): TerminalSession {
  const words = [...lab.wordsOf("dutctl"), ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const script = [
    "trap : INT",
    "stty rows 30 cols 100",
    'echo "before $(stty -g)"',
    `sh -c 'echo "pid $$"; exec "$@"' sh ${words}`,
    'echo "code $?"',
    'echo "after $(stty -g)"',
  ].join("; ");
  const child = lab.startWords(["script", "-qec", script, recording]);
  return {
    child,
    shown: () => child.stdout,
    pid: async () => Number((await child.said("stdout", /pid (\d+)\r/))[1]),
    type: (keys) => void child.process.stdin.write(keys),
    async outcome() {
      await child.said("stdout", /after \S+\r/);
      child.process.stdin.end();
      const { stdout } = await child.ended;
      const before = /before (\S+)/.exec(stdout)?.[1];
      return {
        code: Number(/code (\d+)/.exec(stdout)?.[1]),
        settingsAsBefore: before !== undefined && before === /after (\S+)/.exec(stdout)?.[1],
      };
    },
  };
}

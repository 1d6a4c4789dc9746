import { DutError } from "#pkg/errors/dut-error.ts";
import type { ExitStatus, Processes } from "#pkg/host/processes.ts";

/** What a program of a test says and how it ends. */
interface Performance {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: ExitStatus;
}

/** Programs that are functions of their arguments. `started` keeps each command line, in order. */
export function memoryProcesses(programs: Readonly<Record<string, (args: readonly string[]) => Performance>>) {
  const started: string[][] = [];
  const processes: Processes = {
    async start({ program, args, signal }) {
      signal.throwIfAborted();
      const perform = programs[program];
      if (perform === undefined) {
        throw new DutError("not_found", `start ${program}: no such file or directory`);
      }
      started.push([program, ...args]);
      const { stdout = "", stderr = "", status = { kind: "exited", code: 0 } } = perform(args);
      return {
        pid: started.length,
        stdout: pieces(stdout),
        stderr: pieces(stderr),
        exited: Promise.resolve(status),
        kill() {},
        async [Symbol.asyncDispose]() {},
      };
    },
    async startOnTerminal() {
      throw new TypeError("this test's programs have no terminal");
    },
    async find(program) {
      return Object.hasOwn(programs, program) ? program : undefined;
    },
  };
  return { processes, started };
}

async function* pieces(text: string): AsyncGenerator<Uint8Array, void, void> {
  if (text !== "") {
    yield Buffer.from(text);
  }
}

import { join } from "node:path";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { buildPrograms, type Programs, sourcePrograms } from "#test/support/programs.ts";
import { bulkBytes } from "./peers/flood.ts";
import type { BenchLab, Ports } from "./row.ts";

const peers = join(import.meta.dirname, "peers");

const board = {
  cmds: {
    shell: shellCommand,
    ft: { uses: [{ module: "dummy-ft", passthrough: true }] },
    status: { uses: [{ module: "dummy-status" }] },
    repeat: { uses: [{ module: "dummy-repeat" }] },
    flood: { uses: [{ module: "shell", args: [`head -c ${bulkBytes} /dev/zero`] }] },
  },
};

function pidOf({ process: { pid } }: Daemon): number {
  if (pid === undefined) {
    throw new Error("a daemon of the benchmark did not start");
  }
  return pid;
}

/**
 * Builds the programs where they can be built, starts a server, an agent that is registered there, and the plain peers
 * that make the floors. Disposing ends all of it.
 */
export async function openBenchLab(): Promise<BenchLab & AsyncDisposable> {
  await using acquired = new AsyncDisposableStack();
  const forms: { form: "executable" | "source"; programs: Programs }[] = [{ form: "source", programs: sourcePrograms }];
  // Executables are made for Linux.
  if (process.platform === "linux") {
    process.stderr.write("building the executables …\n");
    forms.unshift({ form: "executable", programs: acquired.use(await buildPrograms()).programs });
  }
  const never = new AbortController().signal;
  const { programs } = forms[0] as (typeof forms)[0];
  const lab = acquired.use(await Lab.open(never, programs));
  // One user has all the runs of the crowd.
  const crowded = ["runs-per-user", "runs-per-agent"].flatMap((limit) => ["-limit", `${limit}=1000`]);
  const server = await lab.server("-log", "info", ...crowded);
  const agent = await lab.agent({ board, board2: board }, "-server", server.address, "-log", "info");
  const startPeer = async (file: string, ...args: string[]): Promise<unknown> => {
    const child = lab.startWords([process.execPath, join(peers, file), ...args]);
    return JSON.parse((await child.said("stdout", /.+\n/))[0]);
  };
  const plain = (await startPeer("source.ts", server.address)) as Ports;
  const spliced = (await startPeer("splice.ts", JSON.stringify(plain))) as Ports;
  const release = acquired.move();
  return {
    clients: forms.map(({ form, programs }) => ({ form, words: (program) => programs[program] })),
    agent: agent.address,
    server: server.address,
    pids: { agent: pidOf(agent), server: pidOf(server) },
    openLab: () => Lab.open(never, programs),
    directory: lab.directory,
    plain,
    spliced,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

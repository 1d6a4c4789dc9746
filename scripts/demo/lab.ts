import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Processes } from "#pkg/host/processes.ts";
import { root } from "../pinned-node.mjs";
import { type Daemon, startDaemon } from "./daemon.ts";
import type { Screen } from "./screen.ts";
import { shellWord } from "./shell-word.ts";

/** Every process of a demo has its folder in the environment under this name. */
export const labVariable = "DUTCTL_DEMO";

/** A server, two agents that dial in, and a folder that they and the user work in. Disposing ends them and removes the folder. */
export interface Lab extends AsyncDisposable {
  readonly folder: string;
  readonly server: Daemon;
  readonly agents: readonly Daemon[];
  /** A line for any shell that makes `dutctl` the client from source with the server's address. */
  readonly dutctl: string;
}

export interface LabOptions {
  /** The configuration of each agent, relative to the top of the repository. */
  readonly configs: readonly string[];
  readonly processes: Processes;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** Starts everything on free ports of the loopback. Throws unavailable when a program does not start. */
export async function openLab({ configs, processes, screen, signal }: LabOptions): Promise<Lab> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await mkdtempDisposable(join(tmpdir(), "dutctl-demo-"))).path;
  screen.command(`cd ${shellWord(folder)}`);

  const start = async (program: string, args: readonly string[], readyWhen: string) => {
    screen.command(`${[program, ...args].map(shellWord).join(" ")} &`);
    const daemon = await startDaemon(
      {
        name: [program, ...args].join(" "),
        program: process.execPath,
        args: [source(program), ...args],
        cwd: folder,
        env: { [labVariable]: folder },
        readyWhen,
      },
      processes,
      signal,
    );
    screen.say(daemon.log().join("\n"));
    return opened.use(daemon);
  };

  const server = await start("dutserver", ["-s", "localhost:0", "-state", "server"], "rpc service listening");
  const { address = "" } = server;
  const agents: Daemon[] = [];
  for (const config of configs) {
    const state = `agent-${agents.length + 1}`;
    const args = ["-a", "none", "-server", address, "-c", join(root, config), "-state", state];
    agents.push(await start("dutagent", args, "attached"));
  }
  const client = [process.execPath, source("dutctl"), "-s", address].map(shellWord).join(" ");
  // What the user has set up for other benches would change what is shown here.
  const unset = ["DUTCTL_CONTEXT", "DUTCTL_FORMAT", "DUTCTL_USER"].map((name) => `${name}=`).join(" ");
  const settings = `${unset} XDG_CONFIG_HOME=${shellWord(folder)}`;
  const release = opened.move();
  return {
    folder,
    server,
    agents,
    dutctl: `dutctl() { ${settings} ${client} "$@"; }`,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

function source(program: string): string {
  return join(root, "cmds", program, `${program}.ts`);
}

import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, type Ended } from "./child.ts";
import { HeldPorts } from "./held-ports.ts";
import { type ProgramName, type Programs, programsStartedBy, sourcePrograms } from "./programs.ts";

/** A server or an agent. */
export interface Daemon extends Child {
  /** `localhost:port`, and `none` for an agent that listens nowhere. */
  readonly address: string;
}

/** An agent, with what servers call it. */
export interface AgentDaemon extends Daemon {
  readonly name: string;
}

/** Devices of an agent as its configuration has them. */
export type Devices = Readonly<Record<string, { readonly cmds: Readonly<Record<string, unknown>> }>>;

type Environment = Readonly<Record<string, string>>;

/** Keeps what Node has made of the programs' source: each of them starts in half the time. */
const compileCache = join(import.meta.dirname, "../../node_modules/.cache/compiled");

interface Given {
  /** Written to the standard input, which is then ended. Default "". */
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: Environment;
}

/** What the user who runs the tests may have set, and no test means. */
const unset = Object.fromEntries(
  ["SERVER", "USER", "FORMAT", "CONTEXT", "COMPLETION_TIMEOUT"].map((name) => [`DUTCTL_${name}`, undefined]),
);

/**
 * Real servers, agents and clients with one directory, in which everything is started. Disposing kills whatever still
 * runs and removes the directory.
 */
export class Lab implements AsyncDisposable {
  readonly directory: string;
  readonly #programs: Programs;
  readonly #open: AsyncDisposableStack;
  readonly #ports: HeldPorts;
  readonly #nextNumber: () => number;

  private constructor(
    directory: string,
    programs: Programs,
    { open, ports, nextNumber }: { open: AsyncDisposableStack; ports: HeldPorts; nextNumber: () => number },
  ) {
    this.directory = directory;
    this.#programs = programs;
    this.#open = open;
    this.#ports = ports;
    this.#nextNumber = nextNumber;
  }

  /** An abort, such as of a test that took too long, kills what runs, so that nobody waits for it any more. */
  static async open(signal: AbortSignal, programs: Programs = sourcePrograms): Promise<Lab> {
    await using open = new AsyncDisposableStack();
    const { path } = open.use(await mkdtempDisposable(join(tmpdir(), "lab-")));
    const ports = open.use(new HeldPorts());
    const lab = new Lab(path, programs, { open: open.move(), ports, nextNumber: counter() });
    signal.addEventListener("abort", () => void lab[Symbol.asyncDispose](), { once: true });
    return lab;
  }

  /** The same lab, with programs that are started by other words: in a network namespace, or under another clock. */
  startedBy(...words: readonly string[]): Lab {
    const shared = { open: this.#open, ports: this.#ports, nextNumber: this.#nextNumber };
    return new Lab(this.directory, programsStartedBy(words, this.#programs), shared);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** The words that start a program. */
  wordsOf(program: ProgramName): readonly string[] {
    return this.#programs[program];
  }

  /** Starts a program with its standard input open. */
  start(program: ProgramName, args: readonly string[], cwd = this.directory, env: Environment = {}): Child {
    return this.startWords([...this.wordsOf(program), ...args], cwd, env);
  }

  /** Runs a client to its end. */
  async dutctl(args: readonly string[], { stdin = "", cwd, env }: Given = {}): Promise<Ended> {
    const child = this.start("dutctl", args, cwd, env);
    child.process.stdin.end(stdin);
    return child.ended;
  }

  /**
   * Starts a client on a terminal of its own: what it shows, and what the terminal echoes, is its stdout. The shell that
   * starts it does something on the terminal before, if wanted.
   */
  startOnTerminal(args: readonly string[], before = ""): Child {
    const line = [...this.wordsOf("dutctl"), ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    return this.startWords(["script", "-qefc", before === "" ? line : `${before}; ${line}`, "/dev/null"]);
  }

  startWords(words: readonly string[], cwd = this.directory, env: Environment = {}): Child {
    const own = {
      NODE_COMPILE_CACHE: compileCache,
      ...{ USER: "tester", SHELL: "/bin/sh", HOME: this.directory },
      ...{ XDG_CONFIG_HOME: this.path("config"), XDG_STATE_HOME: this.path("state") },
    };
    return this.#open.use(new Child(words, { cwd, env: { ...process.env, ...unset, ...own, ...env } }));
  }

  /** Starts a server with a state directory and a port of its own, which it finds free again, unless flags name them. */
  async server(...flags: readonly string[]): Promise<Daemon> {
    return this.#listening("dutserver", [
      "-s",
      await this.#freeAddress(),
      "-state",
      this.path(`server-state-${this.#nextNumber()}`),
      ...flags,
    ]);
  }

  /** Starts an agent with a configuration file, or with devices, and with a state directory, a name and a port of its own unless flags give them. */
  async agent(config: string | Devices, ...flags: readonly string[]): Promise<AgentDaemon> {
    const path = typeof config === "string" ? config : await this.configuration(config);
    const number = this.#nextNumber();
    const own = ["-state", this.path(`agent-state-${number}`), "-name", `bench-${number}`];
    const args = ["-a", await this.#freeAddress(), "-c", path, ...own, ...flags];
    return Object.assign(await this.#listening("dutagent", args), { name: flagIn("-name", args) });
  }

  /** Writes a configuration and returns its path. */
  async configuration(devices: Devices): Promise<string> {
    const path = this.path(`agent-${this.#nextNumber()}.yaml`);
    await writeFile(path, JSON.stringify({ version: "1.0.0-alpha.1", devices }));
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }

  async #freeAddress(): Promise<string> {
    return `localhost:${await this.#ports.hold()}`;
  }

  async #listening(program: ProgramName, args: readonly string[]): Promise<Daemon> {
    const child = this.start(program, ["-log-json", ...args]);
    let address = flagIn("-a", args);
    if (address !== "none") {
      [, address = ""] = await child.said("stderr", /"addr":"([^"]+)","msg":"rpc service listening"/);
    }
    if (args.includes("-server")) {
      await child.said("stderr", /"msg":"(?:attached|registered)"/);
    }
    return Object.assign(child, { address });
  }
}

/** Tells the files of a lab apart. */
function counter(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}

/** A command that takes a line of the shell as its argument. */
export const shellCommand = { uses: [{ module: "shell", passthrough: true }] };

/** What dutctl says when it loses the peer at an address in the middle of a run. */
export function lostInTheMiddle(address: string, reason = "the connection was lost"): string {
  return `✗ lost the connection to ${address} in the middle of the run (${reason})
  the command may or may not have done its work: look before you repeat it
`;
}

/** What a flag was given last; empty when it was not. */
function flagIn(flag: string, args: readonly string[]): string {
  const at = args.lastIndexOf(flag);
  return at < 0 ? "" : (args[at + 1] ?? "");
}

import { DutError } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { Host } from "#pkg/host/host.ts";
import type { ExitStatus, HostProcess, Processes } from "#pkg/host/processes.ts";
import type { Pty, Ptys } from "#pkg/host/ptys.ts";
import type { SerialPort, SerialPorts } from "#pkg/host/serial-ports.ts";
import { memoryFiles } from "../memory-files.ts";
import type { Encounters } from "./encounters.ts";

/** What a module has taken from its computer and must give back. */
export class Holdings {
  readonly #held = new Map<object, string>();

  take(what: string): { readonly over: AbortSignal; giveBack(): void } {
    const end = new AbortController();
    const key = {};
    this.#held.set(key, what);
    return {
      over: end.signal,
      giveBack: () => {
        this.#held.delete(key);
        end.abort();
      },
    };
  }

  get held(): readonly string[] {
    return Array.from(this.#held.values()).sort();
  }
}

/**
 * A computer in memory on which everything can be opened and started and little happens: programs say nothing and end
 * well, devices are silent, files are kept in `files`. Each call is an encounter. What this computer does not have
 * fails as broken hardware does.
 */
export function obligingHost(encounters: Encounters, holdings: Holdings, files: Map<string, string>): Host {
  const meet = () => encounters.meet();
  const parts: Partial<Host> = {
    processes: sturdy("processes", meet, obligingProcesses(holdings)),
    serialPorts: sturdy("serialPorts", meet, obligingSerialPorts(holdings)),
    ptys: sturdy("ptys", meet, obligingPtys(holdings)),
    files: sturdy("files", meet, obligingFiles(holdings, files)),
  };
  return sturdy("host", () => {}, parts) as Host;
}

/** Says nothing about a module: this computer is too small for it. */
export class PartMissing extends DutError {
  constructor(part: string) {
    super("unavailable", `${part}: there is no answer`);
  }
}

/** Each call is an encounter; one that was not written down fails. */
function sturdy<Part extends object>(name: string, meet: () => void, given: Partial<Part>): Part {
  return new Proxy(given, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member === "object") {
        return member;
      }
      const what = `${name}.${String(key)}`;
      if (typeof member !== "function") {
        return name === "host" ? sturdy(String(key), meet, {}) : broken(what, meet);
      }
      return async (...args: readonly unknown[]) => {
        meet();
        return await Reflect.apply(member, target, args);
      };
    },
  }) as Part;
}

function broken(what: string, meet: () => void) {
  return async (): Promise<never> => {
    meet();
    throw new PartMissing(what);
  };
}

function obligingProcesses(holdings: Holdings): Partial<Processes> {
  const start = async (options: { program: string; signal: AbortSignal }): Promise<HostProcess> => {
    options.signal.throwIfAborted();
    const { over, giveBack } = holdings.take(`program ${options.program}`);
    const exited = Promise.withResolvers<ExitStatus>();
    const end = (status: ExitStatus) => {
      exited.resolve(status);
      giveBack();
    };
    const killed = () => end({ kind: "killed", signal: "SIGTERM" });
    options.signal.addEventListener("abort", killed, { once: true });
    over.addEventListener("abort", () => options.signal.removeEventListener("abort", killed), { once: true });
    end({ kind: "exited", code: 0 });
    return {
      pid: 2 ** 22 + 1,
      stdout: silence(over),
      stderr: silence(over),
      exited: exited.promise,
      kill: killed,
      [Symbol.asyncDispose]: async () => killed(),
    };
  };
  return {
    start,
    startOnTerminal: async (options) => ({ ...(await start(options)), resize: async () => {} }),
    find: async (program) => (program.includes("/") ? program : `/usr/bin/${program}`),
  };
}

function obligingSerialPorts(holdings: Holdings): Partial<SerialPorts> {
  return {
    async open(path) {
      const { over, giveBack } = holdings.take(`serial port ${path}`);
      const port: Partial<SerialPort> = {
        received: silence(over),
        write: async (_bytes, signal) => signal.throwIfAborted(),
        flush: async () => {},
        configure: async () => {},
        claim: async () => ({ async [Symbol.asyncDispose]() {} }),
        [Symbol.asyncDispose]: async () => giveBack(),
      };
      return port as SerialPort;
    },
    identify: async (path) => path,
    isWanted: async () => false,
  };
}

function obligingPtys(holdings: Holdings): Partial<Ptys> {
  return {
    async open(): Promise<Pty> {
      const { over, giveBack } = holdings.take("pty");
      return {
        device: "/dev/pts/0",
        received: silence(over),
        write: (bytes) => bytes.length,
        takeBack: () => 0,
        [Symbol.asyncDispose]: async () => giveBack(),
      };
    },
  };
}

function obligingFiles(holdings: Holdings, kept: Map<string, string>): Files {
  const files = memoryFiles(kept);
  return {
    ...files,
    async replace(path) {
      const { giveBack } = holdings.take(`unfinished file ${path}`);
      const { [Symbol.asyncDispose]: _, ...replacement } = await files.replace(path);
      return { ...replacement, [Symbol.asyncDispose]: async () => giveBack() };
    },
    async lock(path) {
      await files.lock(path);
      const { giveBack } = holdings.take(`lock ${path}`);
      return { [Symbol.dispose]: giveBack };
    },
  };
}

/** Ends when it is over, and has nothing to say before. */
async function* silence(over: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  if (!over.aborted) {
    await new Promise<void>((resolve) => over.addEventListener("abort", () => resolve(), { once: true }));
  }
}

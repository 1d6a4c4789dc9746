import { execFile } from "node:child_process";
import { access, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where `ip netns` keeps its names. */
const namespaces = "/run/netns";
/** Where `ip netns exec` takes files from that a namespace has instead of those of /etc. */
const ownFiles = "/etc/netns";

let made = 0;

/** A network namespace. Disposing kills what runs in it, and removes it with its files. */
export class Namespace implements AsyncDisposable {
  /** `dutctl-PID-NUMBER-WORD`: unique on this machine, and who made it can be told. */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes a namespace with loopback and nothing else. The word says what it is for. */
  static async open(word: string): Promise<Namespace> {
    made += 1;
    await using acquired = new AsyncDisposableStack();
    const namespace = acquired.use(new Namespace(`dutctl-${process.pid}-${made}-${word}`));
    await mkdir(join(ownFiles, namespace.name), { recursive: true });
    await run("ip", ["netns", "add", namespace.name]);
    await namespace.run("ip", "link", "set", "lo", "up");
    acquired.move();
    return namespace;
  }

  /** The words that start a program in it. The program is the process that was started, not a child of it. */
  get inside(): readonly string[] {
    return ["ip", "netns", "exec", this.name];
  }

  /** The path of a file of /etc that is its own. It has to be there when a program starts, and is then written in place. */
  file(name: string): string {
    return join(ownFiles, this.name, name);
  }

  /** Runs a program in it, and returns what it printed; throws when it fails. */
  async run(...words: readonly string[]): Promise<string> {
    const [program = "", ...args] = [...this.inside, ...words];
    return (await run(program, args)).stdout;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return remove(this.name);
  }
}

/** Removes the namespaces of test processes that were killed before they could. */
export async function removeLeftovers(): Promise<void> {
  const names = await readdir(namespaces).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return [];
    }
    throw error;
  });
  for (const name of names) {
    const [, pid] = /^dutctl-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !(await exists(`/proc/${pid}`))) {
      await remove(name);
    }
  }
}

/** A namespace may be half made, or just be removed by another process. */
async function remove(name: string): Promise<void> {
  const path = join(namespaces, name);
  try {
    if (await exists(path)) {
      const { stdout } = await run("ip", ["netns", "pids", name]);
      stdout.trim().split("\n").filter(Boolean).map(Number).forEach(kill);
      await run("ip", ["netns", "delete", name]);
    }
  } catch (error) {
    if (await exists(path)) {
      throw error;
    }
  }
  await rm(join(ownFiles, name), { recursive: true, force: true });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

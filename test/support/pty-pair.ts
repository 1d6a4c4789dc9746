import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The `skip` option of a test that needs a pty pair. */
export const withoutSocat: string | false = socatIsInstalled() ? false : "needs socat: apt-get install socat";

/** A cable between two serial devices. Disposing pulls it and removes its directory. */
export interface PtyPair extends AsyncDisposable {
  /** Symbolic link to the end that the code under test opens. */
  readonly device: string;
  /** Symbolic link to the other end; not there when a program is on it. */
  readonly farEnd: string;
  /** Makes both devices go away while they may be open. */
  unplug(): Promise<void>;
  /** Puts other devices at the same paths. */
  replug(): Promise<void>;
}

/** Joins two ptys by socat, or one pty and a shell script on a terminal of its own with echo and line editing. */
export async function openPtyPair(script?: string): Promise<PtyPair> {
  await using acquired = new AsyncDisposableStack();
  const directory = acquired.use(await mkdtempDisposable(join(tmpdir(), "pty-pair-")));
  const device = join(directory.path, "device");
  const farEnd = join(directory.path, "far-end");
  const far = script === undefined ? `pty,rawer,link=${farEnd}` : `exec:sh ${script},pty,setsid,ctty,stderr`;
  const plugIn = () => startSocat([`pty,rawer,link=${device}`, far]);
  let socat = await plugIn();
  acquired.defer(() => end(socat));
  /** The links go first: the kernel gives the numbers of terminals that are gone to the next ones, which are others' then. */
  const unplug = async () => {
    await Promise.all([device, farEnd].map((link) => rm(link, { force: true })));
    await end(socat);
  };
  const release = acquired.move();
  return {
    device,
    farEnd,
    unplug,
    replug: async () => {
      await unplug();
      socat = await plugIn();
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Resolves when both ends are there. */
async function startSocat(ends: readonly string[]): Promise<ChildProcess> {
  const socat = spawn("socat", ["-d", "-d", ...ends], { stdio: ["ignore", "ignore", "pipe"] });
  const complaints: string[] = [];
  for await (const line of createInterface({ input: socat.stderr })) {
    complaints.push(line);
    if (line.includes("starting data transfer loop")) {
      socat.stderr.resume();
      return socat;
    }
  }
  throw new Error(`socat did not start: ${complaints.join("\n")}`);
}

async function end(socat: ChildProcess): Promise<void> {
  if (socat.exitCode === null && socat.signalCode === null) {
    const exited = once(socat, "exit");
    socat.kill("SIGKILL");
    await exited;
  }
}

function socatIsInstalled(): boolean {
  try {
    execFileSync("socat", ["-V"], { stdio: "ignore" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return false;
    }
    throw error;
  }
}

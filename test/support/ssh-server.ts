import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

const sshd = "/usr/sbin/sshd";

/** The `skip` of a test that needs a real SSH server. */
export const withoutSshd: string | false = existsSync(sshd)
  ? false
  : "needs an SSH server: apt-get install openssh-server";

/** The same for a test that needs a terminal there, which a server that is not root's can only give where the system does. */
export const withoutSshdTerminal: string | false =
  process.getuid?.() === 0 || /^devpts .*\bgid=/m.test(mounts())
    ? withoutSshd
    : "needs root, or /dev/pts mounted with gid=5, for terminals of an SSH server";

/** A key pair: the path of the private half, and the public one as `<type> <base64>`. */
export interface KeyPair {
  readonly path: string;
  readonly publicKey: string;
}

/** Debian's SSH server, for the user that runs the test. Disposing kills what still runs and removes all files. */
export interface SshServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly hostKey: KeyPair;
  /** Whoever has it is let in. */
  readonly userKey: KeyPair;
  readonly directory: string;
  /** From now on it shows another host key; new connections only. */
  replaceHostKey(): Promise<void>;
  /** Breaks all connections. */
  cut(): void;
}

/** Starts one server process for each connection, so that no port has to be chosen. */
export async function openSshServer(): Promise<SshServer> {
  await using acquired = new AsyncDisposableStack();
  const { path: directory } = acquired.use(await mkdtempDisposable(join(tmpdir(), "sshd-")));
  if (process.getuid?.() === 0) {
    // Where the system's own server never started, as in a container, this is missing.
    await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  }
  const hostKey = await makeKey(join(directory, "host-key"));
  const userKey = await makeKey(join(directory, "user-key"));
  await copyFile(`${userKey.path}.pub`, join(directory, "authorized"));
  const config = join(directory, "sshd_config");
  const settings = [
    `HostKey ${hostKey.path}`,
    `AuthorizedKeysFile ${join(directory, "authorized")}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin yes",
    "PrintMotd no",
    "PrintLastLog no",
  ];
  await writeFile(config, `${settings.join("\n")}\n`);
  const children = new Set<ChildProcess>();
  const cut = () => {
    for (const child of children) {
      process.kill(-(child.pid as number), "SIGKILL");
    }
  };
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn(sshd, ["-i", "-f", config], { stdio: [socket, socket, "ignore"], detached: true });
    children.add(child);
    child.on("exit", () => children.delete(child));
    socket.destroy();
  });
  acquired.defer(async () => {
    server.close();
    const ended = [...children].map((child) => once(child, "exit"));
    cut();
    await Promise.all(ended);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const release = acquired.move();
  return {
    port: (server.address() as AddressInfo).port,
    user: userInfo().username,
    hostKey,
    userKey,
    directory,
    async replaceHostKey() {
      const { path } = await makeKey(join(directory, "other-host-key"));
      await copyFile(path, hostKey.path);
    },
    cut,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Makes an Ed25519 key pair, encrypted if a passphrase is given. */
export async function makeKey(path: string, passphrase = ""): Promise<KeyPair> {
  const args = ["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", path];
  const { status, stderr } = spawnSync("ssh-keygen", args, { encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`ssh-keygen: ${stderr}`);
  }
  return { path, publicKey: (await readFile(`${path}.pub`, "utf8")).trim() };
}

/** Empty where there is no /proc. */
function mounts(): string {
  return existsSync("/proc/mounts") ? readFileSync("/proc/mounts", "utf8") : "";
}

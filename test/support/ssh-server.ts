import { type ChildProcess, type SpawnSyncOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { basename, join } from "node:path";
import { mountsAreMissing } from "./private-mount.ts";

const sshd = "/usr/sbin/sshd";

/** The `skip` of a test that needs a real SSH server. */
export const withoutSshd: string | false = existsSync(sshd)
  ? false
  : "needs an SSH server: apt-get install openssh-server";

/** The same for a test that needs other accounts there than the system has. */
export const withoutOtherAccounts: string | false =
  process.getuid?.() === 0
    ? (mountsAreMissing ?? withoutSshd)
    : "needs root, to give an SSH server accounts of its own";

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

/**
 * Debian's SSH server, for the user that runs the test, whose shell finds its files (.profile, .bashrc) in `directory`: it has
 * none, and whatever those of the account do is not done. Disposing kills what still runs and removes all files.
 */
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
  /** Holds all that serves connections still: they stay open, and nothing is said any more. */
  freeze(): void;
}

interface SshServerOptions {
  /** Lines of sshd_config(5), which go before those of every server here. */
  readonly settings?: readonly string[];
  /** Of root, for this server alone; needs root and mounts. */
  readonly password?: string;
  /** Whom it lets in is nobody, to whose commands it passes signals on, as it does not for root; the same is needed. */
  readonly asNobody?: boolean;
  /** Default the one that is a part of it; a `plain` one knows nothing but the standard. */
  readonly sftp?: "none" | "plain";
  /** Default Ed25519. */
  readonly hostKeyType?: KeyOptions["type"];
  /** The words before those of its programs, as of a `PrivateMount`. */
  readonly enter?: readonly string[];
}

/** Starts one server process for each connection, so that no port has to be chosen. */
export async function openSshServer(options: SshServerOptions = {}): Promise<SshServer> {
  await using acquired = new AsyncDisposableStack();
  const { path: directory } = acquired.use(await mkdtempDisposable(join(tmpdir(), "sshd-")));
  if (process.getuid?.() === 0) {
    // Where the system's own server never started, as in a container, this is missing.
    await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  }
  const hostKey = await makeKey(join(directory, "host-key"), { type: options.hostKeyType });
  const userKey = await makeKey(join(directory, "user-key"));
  await copyFile(`${userKey.path}.pub`, join(directory, "authorized"));
  const config = join(directory, "sshd_config");
  const settings = [
    ...(options.settings ?? []),
    `HostKey ${hostKey.path}`,
    `AuthorizedKeysFile ${join(directory, "authorized")}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin yes",
    "PrintMotd no",
    "PrintLastLog no",
    `SetEnv HOME=${directory}`,
    ...sftpSettings(options.sftp),
  ];
  await writeFile(config, `${settings.join("\n")}\n`);
  const children = new Set<ChildProcess>();
  const tellAll = (signal: NodeJS.Signals) => {
    for (const child of children) {
      try {
        process.kill(-(child.pid as number), signal);
      } catch (error) {
        // Of several that have ended Node tells one after the other.
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
          throw error;
        }
      }
    }
  };
  const cut = () => tellAll("SIGKILL");
  const before = [...(options.enter ?? []), ...(await otherAccounts(options, directory))];
  const [program = sshd, ...args] = [...before, sshd, "-i", "-f", config];
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn(program, args, { stdio: [socket, socket, "ignore"], detached: true });
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
    user: options.asNobody === true ? "nobody" : userInfo().username,
    hostKey,
    userKey,
    directory,
    async replaceHostKey() {
      const { path } = await makeKey(join(directory, "other-host-key"));
      await copyFile(path, hostKey.path);
    },
    cut,
    freeze: () => tellAll("SIGSTOP"),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

function sftpSettings(sftp: SshServerOptions["sftp"]): readonly string[] {
  const denied = sftp === "plain" ? " -P posix-rename,fsync,statvfs,fstatvfs,limits" : "";
  return sftp === "none" ? [] : [`Subsystem sftp internal-sftp${denied}`];
}

/** The words before a program for which root has another password, or nobody has a shell. */
async function otherAccounts({ password, asNobody }: SshServerOptions, directory: string): Promise<readonly string[]> {
  const files: (readonly [string, string])[] = [];
  if (password !== undefined) {
    const hash = stdoutOf("openssl", ["passwd", "-6", "-stdin"], { input: password }).trim();
    files.push(["/etc/shadow", `root:${hash}:19000:0:99999:7:::\n`]);
  }
  if (asNobody === true) {
    await chmod(directory, 0o711);
    const passwd = await readFile("/etc/passwd", "utf8");
    files.push(["/etc/passwd", passwd.replace(/^(nobody:.*:)[^:]*:[^:]*$/m, "$1/:/bin/sh")]);
  }
  const words: string[] = [];
  for (const [path, text] of files) {
    const copy = join(directory, basename(path));
    await writeFile(copy, text, { mode: path === "/etc/shadow" ? 0o600 : 0o644 });
    words.push("unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2"; shift 2; exec "$@"', "sh", copy, path);
  }
  return words;
}

interface KeyOptions {
  readonly passphrase?: string;
  readonly type?: "ed25519" | "rsa" | "ecdsa" | undefined;
  readonly format?: "RFC4716" | "PEM" | "PKCS8";
}

/**
 * Makes a key pair: unless something else is asked for of Ed25519, in the format of OpenSSH, and not encrypted. A
 * passphrase is quick to try (-a), as it should not be elsewhere.
 */
export async function makeKey(
  path: string,
  { passphrase = "", type = "ed25519", format = "RFC4716" }: KeyOptions = {},
): Promise<KeyPair> {
  stdoutOf("ssh-keygen", ["-q", "-a", "1", "-t", type, "-m", format, "-N", passphrase, "-C", "", "-f", path]);
  return { path, publicKey: (await readFile(`${path}.pub`, "utf8")).trim() };
}

/** An ssh-agent that holds keys. Disposing ends it. */
export interface SshAgent extends AsyncDisposable {
  readonly socket: string;
}

export async function openSshAgent(directory: string, keys: readonly KeyPair[]): Promise<SshAgent> {
  const socket = join(directory, "agent");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(agent, "exit");
  await once(agent.stdout, "data");
  for (const { path } of keys) {
    stdoutOf("ssh-add", ["-q", path], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  }
  return {
    socket,
    async [Symbol.asyncDispose]() {
      agent.kill();
      await ended;
    },
  };
}

function stdoutOf(program: string, args: readonly string[], options: SpawnSyncOptions = {}): string {
  const { status, stdout, stderr } = spawnSync(program, args, { ...options, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${program}: ${stderr}`);
  }
  return stdout;
}

/** Empty where there is no /proc. */
function mounts(): string {
  return existsSync("/proc/mounts") ? readFileSync("/proc/mounts", "utf8") : "";
}

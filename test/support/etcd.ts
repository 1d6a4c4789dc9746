import { spawnSync } from "node:child_process";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, type Ended } from "./child.ts";
import { HeldPorts } from "./held-ports.ts";

/** Why tests with etcd are skipped here; undefined when it is there. */
export const etcdIsMissing =
  spawnSync("etcd", ["--version"]).error === undefined ? undefined : "needs etcd (Debian package etcd-server)";

export interface EtcdOptions {
  /** Certificate, key and authority, as paths: TLS to clients, who must have a certificate of that authority. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly args?: readonly string[];
}

/** Members of an etcd of the test's own, on ports of the system's choice, which they find free again. */
export class Etcd implements AsyncDisposable {
  readonly #opened: AsyncDisposableStack;
  readonly #members: readonly { readonly address: string; readonly args: readonly string[] }[];
  readonly #running = new Map<number, Child>();
  readonly #directory: string;

  private constructor(opened: AsyncDisposableStack, directory: string, members: Etcd["members"]) {
    this.#opened = opened;
    this.#directory = directory;
    this.#members = members;
  }

  get members(): readonly { readonly address: string; readonly args: readonly string[] }[] {
    return this.#members;
  }

  /** Starts so many members and waits until they serve. */
  static async start(count = 1, { tls, args = [] }: EtcdOptions = {}): Promise<Etcd> {
    await using opened = new AsyncDisposableStack();
    const directory = opened.use(await mkdtempDisposable(join(tmpdir(), "etcd-")));
    const held = opened.use(new HeldPorts());
    const ports = await Promise.all(Array.from({ length: 2 * count }, () => held.hold()));
    const scheme = tls === undefined ? "http" : "https";
    const peers = Array.from({ length: count }, (_, index) => `m${index}=http://127.0.0.1:${ports[count + index]}`);
    const members = peers.map((peer, index) => {
      const [name = "", peerUrl = ""] = peer.split("=");
      const address = `127.0.0.1:${ports[index]}`;
      const client = `${scheme}://${address}`;
      return {
        address,
        args: [
          ...["--name", name, "--data-dir", join(directory.path, name), "--initial-cluster", peers.join(",")],
          ...["--listen-client-urls", client, "--advertise-client-urls", client],
          ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
          ...(tls === undefined ? [] : ["--cert-file", tls.cert, "--key-file", tls.key, "--trusted-ca-file", tls.ca]),
          ...(tls === undefined ? [] : ["--client-cert-auth"]),
          // The disk of a test need not survive a loss of power.
          "--unsafe-no-fsync",
          ...args,
        ],
      };
    });
    const etcd = new Etcd(opened.move(), directory.path, members);
    await Promise.all(members.map((_, index) => etcd.run(index)));
    return etcd;
  }

  /** All members, as an address of a store writes them. */
  get addresses(): string {
    return this.#members.map(({ address }) => address).join(",");
  }

  /** The process of a member. */
  process(index = 0): Child {
    return this.#running.get(index) as Child;
  }

  /** Starts a member that does not run, and resolves when it serves. */
  async run(index = 0): Promise<void> {
    const { args = [] } = this.#members[index] ?? {};
    const child = new Child(["etcd", ...args], { cwd: this.#directory, env: process.env });
    this.#running.set(index, child);
    await child.said("stderr", /ready to serve client requests/);
  }

  /** Asks the first member what our own client has no use for, by its gateway in JSON. */
  async ask(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const { address = "" } = this.#members[0] ?? {};
    const answer = await fetch(`http://${address}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) {
      throw new Error(`etcd answers ${path} with ${answer.status}: ${await answer.text()}`);
    }
    return answer.json();
  }

  async kill(index = 0): Promise<Ended> {
    const child = this.process(index);
    child.kill("SIGKILL");
    return child.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running.values()) {
      await child[Symbol.asyncDispose]();
    }
    await this.#opened.disposeAsync();
  }
}

import { spawnSync } from "node:child_process";
import type { Computer } from "./computer.ts";
import { Namespace, removeLeftovers } from "./namespace.ts";
import type { Router } from "./router.ts";
import { Segment } from "./segment.ts";

export type { Computer, Packets } from "./computer.ts";
export type { Router } from "./router.ts";

/**
 * Computers of a test's own, as network namespaces on a bridge that is in a namespace too: nothing of the machine's
 * network is touched. Disposing kills what runs in them and removes them.
 */
export class Network implements AsyncDisposable {
  readonly #segment: Segment;
  readonly #open: AsyncDisposableStack;

  private constructor(segment: Segment, open: AsyncDisposableStack) {
    this.#segment = segment;
    this.#open = open;
  }

  /** An abort, such as of a test that took too long, removes it too. What a killed test left behind is removed first. */
  static async open(signal: AbortSignal): Promise<Network> {
    await removeLeftovers();
    await using open = new AsyncDisposableStack();
    const bridge = open.use(await Namespace.open("switch"));
    const computers = open.use(new AsyncDisposableStack());
    const segment = await Segment.in(computers, bridge, "192.0.2", false);
    const network = new Network(segment, open.move());
    signal.addEventListener("abort", () => void network[Symbol.asyncDispose](), { once: true });
    return network;
  }

  /** Adds a computer with an address of 192.0.2.0/24. The name is of letters. */
  computer(name: string): Promise<Computer> {
    return this.#segment.computer(name);
  }

  router(name: string): Promise<Router> {
    return this.#segment.router(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

const packages = { ip: "iproute2", iptables: "iptables", conntrack: "conntrack", sysctl: "procps" };

/** The `skip` option of a test that needs a network of its own. */
export const withoutNetwork: string | false = reasonWithout();

function reasonWithout(): string | false {
  if (process.getuid?.() !== 0) {
    return "needs root, for network namespaces";
  }
  for (const [program, name] of Object.entries(packages)) {
    if (spawnSync(program, ["-V"], { stdio: "ignore" }).error !== undefined) {
      return `needs ${program}: apt-get install ${name}`;
    }
  }
  const probe = `set -e
    ip netns add "$0"
    trap 'ip netns delete "$0"' EXIT
    ip link add eth0 netns "$0" type veth peer name port netns "$0"
    ip -n "$0" link add bridge type bridge
    ip netns exec "$0" iptables -t nat -A POSTROUTING -j MASQUERADE
    ip netns exec "$0" iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
    ip netns exec "$0" iptables -A INPUT -m statistic --mode random --probability 0.5 -j DROP`;
  const { status, stderr } = spawnSync("sh", ["-c", probe, `dutctl-${process.pid}-0-probe`], { encoding: "utf8" });
  return status === 0 ? false : `needs network namespaces and a packet filter: ${stderr.trim()}`;
}

import { writeFile } from "node:fs/promises";
import type { Namespace } from "./namespace.ts";

/** Which packets of a computer are meant. */
export type Packets = "in" | "out" | "both";

/** Where the cable of a computer ends, and what it is called there. */
export interface Socket {
  readonly namespace: Namespace;
  readonly bridge: string;
  /** The name of the interface at the bridge. */
  readonly port: string;
  readonly address: string;
  /** The address of the router to everywhere else, if there is one. */
  readonly gateway: string | undefined;
}

const chains = { in: "FAULTS-IN", out: "FAULTS-OUT" } as const;

/** A computer of the laboratory: a namespace with one interface, eth0, that is on a cable to a bridge. */
export class Computer {
  readonly namespace: Namespace;
  readonly #socket: Socket;

  private constructor(namespace: Namespace, socket: Socket) {
    this.namespace = namespace;
    this.#socket = socket;
  }

  static async in(namespace: Namespace, socket: Socket): Promise<Computer> {
    const computer = new Computer(namespace, socket);
    await computer.hosts({});
    await computer.plug();
    for (const [hook, chain, flag] of [
      ["INPUT", chains.in, "-i"],
      ["OUTPUT", chains.out, "-o"],
    ] as const) {
      await namespace.run("iptables", "-N", chain);
      await namespace.run("iptables", "-A", hook, flag, "eth0", "-j", chain);
    }
    return computer;
  }

  get address(): string {
    return this.#socket.address;
  }

  /** Connects eth0, with the addresses that it had before. */
  async plug(): Promise<void> {
    const { namespace: there, bridge, port, address, gateway } = this.#socket;
    const hardware = `02:00:${address.split(".").map(hex).join(":")}`;
    const far = ["peer", "name", port, "netns", there.name];
    await this.namespace.run("ip", "link", "add", "eth0", "address", hardware, "type", "veth", ...far);
    await there.run("ip", "link", "set", port, "master", bridge, "up");
    await this.namespace.run("ip", "address", "add", `${address}/24`, "dev", "eth0");
    await this.namespace.run("ip", "link", "set", "eth0", "up");
    if (gateway !== undefined) {
      await this.namespace.run("ip", "route", "add", "default", "via", gateway);
    }
  }

  /** Removes eth0 and the cable with it; nothing that is sent from then on arrives anywhere. */
  async unplug(): Promise<void> {
    await this.namespace.run("ip", "link", "delete", "eth0");
  }

  /** Drops packets without a word, all of them or by chance; loopback is left alone. */
  async drop(packets: Packets, probability = 1): Promise<void> {
    const chance = probability === 1 ? [] : ["-m", "statistic", "--mode", "random", "--probability", `${probability}`];
    for (const chain of packets === "both" ? Object.values(chains) : [chains[packets]]) {
      await this.namespace.run("iptables", "-A", chain, ...chance, "-j", "DROP");
    }
  }

  /** Drops nothing any more. */
  async heal(): Promise<void> {
    for (const chain of Object.values(chains)) {
      await this.namespace.run("iptables", "-F", chain);
    }
  }

  /** Says where names are, also to the programs that run already. */
  async hosts(addresses: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries({ localhost: "127.0.0.1", ...addresses }).map(
      ([name, address]) => `${address} ${name}\n`,
    );
    await writeFile(this.namespace.file("hosts"), lines.join(""));
  }

  /** Begins to count the TCP connections that its programs try to make, to loopback too; the function returns how many there have been. */
  async countConnects(): Promise<() => Promise<number>> {
    await this.namespace.run("iptables", "-I", "OUTPUT", "-p", "tcp", "--syn");
    return async () => {
      const rule = await this.namespace.run("iptables", "-nvxL", "OUTPUT", "1");
      return Number.parseInt(rule, 10);
    };
  }
}

function hex(decimal: string): string {
  return Number(decimal).toString(16).padStart(2, "0");
}

import { Computer } from "./computer.ts";
import { Namespace } from "./namespace.ts";
import { Router } from "./router.ts";

/** Owns what is opened for it, until all of a network goes. */
export type Owner = Pick<AsyncDisposableStack, "use">;

/** A piece of Ethernet: a bridge in a namespace, and the computers that are plugged into it. */
export class Segment {
  readonly #owner: Owner;
  readonly #namespace: Namespace;
  readonly #prefix: string;
  readonly #gateway: string | undefined;
  #last = 1;

  private constructor(owner: Owner, namespace: Namespace, prefix: string, gateway: string | undefined) {
    this.#owner = owner;
    this.#namespace = namespace;
    this.#prefix = prefix;
    this.#gateway = gateway;
  }

  /** Puts a bridge into a namespace. The prefix is that of a network of 24 bits; `.1` is the gateway's, if there is to be one. */
  static async in(owner: Owner, namespace: Namespace, prefix: string, routed: boolean): Promise<Segment> {
    const gateway = routed ? `${prefix}.1` : undefined;
    await namespace.run("ip", "link", "add", "bridge", "type", "bridge");
    if (gateway !== undefined) {
      await namespace.run("ip", "address", "add", `${gateway}/24`, "dev", "bridge");
    }
    await namespace.run("ip", "link", "set", "bridge", "up");
    return new Segment(owner, namespace, prefix, gateway);
  }

  /** Plugs in a computer with the next address. */
  async computer(name: string): Promise<Computer> {
    this.#last += 1;
    const number = this.#last;
    const namespace = this.#owner.use(await Namespace.open(name));
    return Computer.in(namespace, {
      ...{ namespace: this.#namespace, bridge: "bridge", gateway: this.#gateway },
      ...{ port: `port${number}`, address: `${this.#prefix}.${number}` },
    });
  }

  /** Plugs in a router, behind which is another segment, 198.51.100.0/24. Nobody in front of it reaches who is behind. */
  async router(name: string): Promise<Router> {
    const front = await this.computer(name);
    return Router.on(front, await Segment.in(this.#owner, front.namespace, "198.51.100", true));
  }
}

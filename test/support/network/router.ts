import type { Computer } from "./computer.ts";
import type { Segment } from "./segment.ts";

/** A router as it stands in homes and offices: those behind it share its address (NAT), by its memory of their connections. */
export class Router {
  /** The router itself, as those in front of it see it. */
  readonly front: Computer;
  readonly behind: Segment;

  private constructor(front: Computer, behind: Segment) {
    this.front = front;
    this.behind = behind;
  }

  static async on(front: Computer, behind: Segment): Promise<Router> {
    const { namespace } = front;
    // By default Linux would take a packet in the middle of a connection that it has forgotten for one of a new connection.
    const settings = ["ipv4/ip_forward=1", "netfilter/nf_conntrack_tcp_loose=0"];
    await namespace.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "eth0", "-j", "MASQUERADE");
    await namespace.run("iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP");
    await namespace.run("sysctl", "-qw", ...settings.map((setting) => `net/${setting}`));
    return new Router(front, behind);
  }

  /** Forgets every connection, as routers do with those that are idle: what belongs to one is dropped from then on. */
  async forget(): Promise<void> {
    await this.front.namespace.run("conntrack", "-F");
  }
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { clientsOver } from "#pkg/protocol/client.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { Device } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Callee } from "../agents/callee.ts";
import { offline } from "../inventory/devices-of.ts";
import { Follower } from "../inventory/follower.ts";
import type { Pace } from "../inventory/news-of.ts";
import type { Registry } from "../registry/registry.ts";
import { PeerConnection } from "./peer-connection.ts";

export interface PeersOptions {
  readonly registry: Registry;
  /** The id of this server. */
  readonly self: string;
  /** The newest that there is. */
  readonly tls: () => ClientTls | undefined;
  readonly pace?: Pace;
}

/** Another server, with what it says of the devices whose agents are there. */
interface Peer {
  readonly callee: Callee;
  readonly follower: Follower;
  readonly connection: PeerConnection;
}

/** A server that comes back is called again within this, in milliseconds. */
const usualPace: Pace = { pollMs: 1_000, retryMs: 500, firstMs: 2_000 };

/** The other servers of the lab, by the ids that they have in the registry. Disposing drops the connections to them. */
export class Peers implements Disposable {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #listeners = new Set<(device: string) => void>();
  readonly #changes: Disposable;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#changes = options.registry.onChange((change) => {
      if (change.kind === "server") {
        this.#meet();
      }
    });
    this.#meet();
  }

  get callees(): readonly Callee[] {
    return Array.from(this.#peers.values(), ({ callee }) => callee);
  }

  /** Throws unavailable for one that is not known as living. */
  calleeOf(server: string): Callee {
    const peer = this.#peers.get(server);
    if (peer === undefined) {
      throw new DutError("unavailable", "the server that has the agent is not known here");
    }
    return peer.callee;
  }

  /** A device whose agent is at that server, as that server says it is; offline, with the reason, when it has not said. */
  deviceAt(server: string, device: string): Device {
    const peer = this.#peers.get(server);
    return (
      peer?.follower.device(device) ??
      offline(device, `${peer?.callee.title ?? "the server that has its agent"} has not said anything of it yet`)
    );
  }

  /** Told the name of every device of which another server has said something new, or undefined for all of one, until disposed. */
  onDevice(listener: (device: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
    for (const id of this.#peers.keys()) {
      this.#leave(id);
    }
  }

  /** Is connected to the servers that there are now, and to no others. */
  #meet(): void {
    const { registry, self } = this.#options;
    const servers = registry.servers;
    for (const id of this.#peers.keys()) {
      if (!servers.has(id)) {
        this.#leave(id);
      }
    }
    for (const [id, address] of servers) {
      if (id !== self && address !== "" && !this.#peers.has(id)) {
        this.#peers.set(id, this.#peerAt(id, address));
      }
    }
  }

  #peerAt(id: string, address: string): Peer {
    const { tls, pace = usualPace } = this.#options;
    const connection = new PeerConnection(parseAddress(address), tls);
    const callee: Callee = {
      title: `dutserver at ${address}`,
      clients: clientsOver(connection, { identity: undefined }),
      openForRun: () => ({ request: (...request) => connection.request(...request), [Symbol.dispose]() {} }),
    };
    const follower = new Follower(callee, pace, (device) => this.#tell(id, device));
    return { callee, follower, connection };
  }

  #leave(id: string): void {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    peer?.follower[Symbol.dispose]();
    peer?.connection[Symbol.dispose]();
  }

  #tell(id: string, device: string | undefined): void {
    const { registry } = this.#options;
    const names = device === undefined ? registry.devicesAt(id) : [device];
    for (const name of names) {
      for (const listener of this.#listeners) {
        listener(name);
      }
    }
  }
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Address, formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";

/** An agent as the server reaches it. */
export interface Agent {
  /** As it registered itself. */
  readonly address: string;
  readonly target: Address;
  /** For calls. A run gets a connection of its own. */
  readonly connection: Connection;
}

/** An agent and the devices that it has registered. */
export interface Registered {
  readonly agent: Agent;
  readonly devices: ReadonlySet<string>;
}

/** How long an agent may take to show that it still has a device that another one claims, in milliseconds. */
const provenAliveMs = 2_000;

/** Which agent has which device. An agent has one connection, whatever the number of its devices. */
export class Registry implements Disposable {
  /** Those that did not answer in time when they were asked last. */
  readonly late = new WeakSet<Agent>();
  readonly #agents = new Map<string, Registered>();
  readonly #listeners = new Set<() => void>();

  get agents(): readonly Registered[] {
    return Array.from(this.#agents.values());
  }

  /** Every device name, sorted by its bytes. */
  get devices(): string[] {
    const names = Array.from(this.#agents.values()).flatMap(({ devices }) => Array.from(devices));
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  /** Undefined for a device that nobody has. */
  find(device: string): Agent | undefined {
    return this.#agents.values().find(({ devices }) => devices.has(device))?.agent;
  }

  /** Throws not_found. */
  agentOf(device: string): Agent {
    const agent = this.find(device);
    if (agent === undefined) {
      throw new DutError("not_found", `device ${quote(device)} not found`);
    }
    return agent;
  }

  /**
   * Takes an agent's devices in place of those it had. A device that another agent has stays there as long as that one
   * answers for it: already_exists, and nothing is changed. Throws invalid_argument for a registration that is not one.
   * Resolves with whether the agent did not have just these.
   */
  async register(devices: readonly string[], address: string): Promise<boolean> {
    if (address === "") {
      throw new DutError("invalid_argument", "agent address is not set");
    }
    if (devices.length === 0) {
      throw new DutError("invalid_argument", "empty device list");
    }
    const nameless = devices.indexOf("");
    if (nameless >= 0) {
      throw new DutError("invalid_argument", `device ${nameless + 1} has empty name`);
    }
    const target = parseAddress(address);
    const key = formatAddress(target);
    for (const device of devices) {
      const owner = this.find(device);
      if (owner !== undefined && owner.address !== key && (await stillHas(owner, device))) {
        throw new DutError(
          "already_exists",
          `adding agent ${quote(address)}: device ${quote(device)} already registered`,
        );
      }
    }
    const had = this.#agents.get(key)?.devices;
    this.#take(devices, key, target);
    return had === undefined || had.symmetricDifference(new Set(devices)).size > 0;
  }

  /** Told after every registration, until disposed. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    for (const { agent } of this.#agents.values()) {
      agent.connection[Symbol.dispose]();
    }
    this.#agents.clear();
  }

  #take(devices: readonly string[], key: string, target: Address): void {
    const claimed = new Set(devices);
    for (const [address, { agent, devices: had }] of this.#agents) {
      const kept = had.difference(claimed);
      if (kept.size > 0 || address === key) {
        this.#agents.set(address, { agent, devices: kept });
      } else {
        agent.connection[Symbol.dispose]();
        this.#agents.delete(address);
      }
    }
    const known = this.#agents.get(key);
    const agent = known?.agent ?? {
      address: key,
      target,
      connection: connectTo(target, { identity: undefined, pingWhenIdle: true }),
    };
    this.#agents.set(key, { agent, devices: claimed });
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

async function stillHas(agent: Agent, device: string): Promise<boolean> {
  try {
    const { devices } = await agent.connection.devices.list({}, { timeoutMs: provenAliveMs });
    return devices.some(({ name }) => name === device);
  } catch {
    // Whatever went wrong, the agent did not answer for the device.
    return false;
  }
}

import type { DeviceFacts } from "./agent-record.ts";

/** A device with the agent whose it is. */
export interface Device extends DeviceFacts {
  readonly agent: string;
}

/** Which agent has which device, and all names in order. A change costs what has changed. */
export class DeviceIndex {
  readonly #devices = new Map<string, Device>();
  readonly #namesOf = new Map<string, readonly string[]>();
  /** Made when it is asked for. */
  #sorted: readonly string[] | undefined = [];

  /** Every device name, sorted by its bytes. */
  get names(): readonly string[] {
    this.#sorted ??= sortedByBytes(this.#devices.keys());
    return this.#sorted;
  }

  get(device: string): Device | undefined {
    return this.#devices.get(device);
  }

  /** The names of an agent's devices. */
  namesOf(agent: string): readonly string[] {
    return this.#namesOf.get(agent) ?? [];
  }

  /** Gives an agent these devices, and takes from it those that it had besides. */
  set(agent: string, devices: readonly DeviceFacts[]): void {
    const now = new Set(devices.map(({ name }) => name));
    for (const name of this.namesOf(agent)) {
      if (!now.has(name) && this.#devices.get(name)?.agent === agent) {
        this.#devices.delete(name);
        this.#sorted = undefined;
      }
    }
    for (const device of devices) {
      if (!this.#devices.has(device.name)) {
        this.#sorted = undefined;
      }
      this.#devices.set(device.name, { ...device, agent });
    }
    if (devices.length === 0) {
      this.#namesOf.delete(agent);
    } else {
      this.#namesOf.set(agent, Array.from(now));
    }
  }
}

/** UTF-16 orders as UTF-8 does, but for characters beyond the basic plane. */
function sortedByBytes(names: Iterable<string>): readonly string[] {
  const sorted = Array.from(names).sort();
  return sorted.some((name) => /[\ud800-\udfff]/.test(name))
    ? sorted.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    : sorted;
}

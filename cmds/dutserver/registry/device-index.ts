/** Which agent has which device, and all names in order. A change costs what has changed. */
export class DeviceIndex {
  readonly #agentOf = new Map<string, string>();
  readonly #devicesOf = new Map<string, readonly string[]>();
  /** Made when it is asked for. */
  #sorted: readonly string[] | undefined = [];

  /** Every device name, sorted by its bytes. */
  get names(): readonly string[] {
    this.#sorted ??= sortedByBytes(this.#agentOf.keys());
    return this.#sorted;
  }

  agentOf(device: string): string | undefined {
    return this.#agentOf.get(device);
  }

  devicesOf(agent: string): readonly string[] {
    return this.#devicesOf.get(agent) ?? [];
  }

  /** Gives an agent these devices, and takes from it those that it had besides. */
  set(agent: string, devices: readonly string[]): void {
    const now = new Set(devices);
    for (const device of this.devicesOf(agent)) {
      if (!now.has(device) && this.#agentOf.get(device) === agent) {
        this.#agentOf.delete(device);
        this.#sorted = undefined;
      }
    }
    for (const device of devices) {
      if (!this.#agentOf.has(device)) {
        this.#sorted = undefined;
      }
      this.#agentOf.set(device, agent);
    }
    if (devices.length === 0) {
      this.#devicesOf.delete(agent);
    } else {
      this.#devicesOf.set(agent, devices);
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

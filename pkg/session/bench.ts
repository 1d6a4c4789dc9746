import type { AgentConfig, DeviceConfig } from "#pkg/config/config.ts";
import { type OpenDevice, type OpenDeviceContext, type OpenFailure, openDevice } from "./open-device.ts";

/** Who runs something on which device; told the name of a device when that may have changed. */
export interface Occupancy {
  holdOf(device: string): object | undefined;
  onChange(listener: (device: string) => void): Disposable;
}

/** The devices of an agent with everything open that would open. Disposing closes the modules, each within a limit. */
export interface Bench extends AsyncDisposable {
  /** As they are now, by name. One that is on its way out is there until its modules are closed. */
  readonly devices: ReadonlyMap<string, OpenDevice>;
  /** Of all devices. */
  readonly failures: readonly OpenFailure[];
  /**
   * Takes the place of the configuration that is in force. A device whose commands are the same in both is left alone, with
   * the modules that it has open; its description and labels change at once. Others start no run from now on; when nothing runs on one, its modules close and the new
   * ones open. Resolves when that has happened to all; another reload may come before.
   */
  reload(config: AgentConfig, occupancy: Occupancy): Promise<void>;
  /** Told the name of each device that came, went, retires, or is open anew, until disposed. */
  onChange(listener: (device: string) => void): Disposable;
}

/** Opens the devices side by side. */
export async function openBench(config: AgentConfig, context: OpenDeviceContext): Promise<Bench> {
  const bench = new ReloadableBench(context);
  await bench.reload(config, { holdOf: () => undefined, onChange: () => ({ [Symbol.dispose]() {} }) });
  return bench;
}

/** A name that is or was configured. */
interface Slot {
  readonly name: string;
  wanted: DeviceConfig | undefined;
  state:
    | { readonly kind: "none" }
    | { readonly kind: "open"; readonly device: OpenDevice }
    | { readonly kind: "closing"; readonly device: OpenDevice }
    /** The next modules are not open yet. */
    | { readonly kind: "closed"; readonly device: OpenDevice };
  /** What brings the state to what is wanted; undefined when it is. */
  turning: Promise<void> | undefined;
}

class ReloadableBench implements Bench {
  readonly #context: OpenDeviceContext;
  readonly #slots = new Map<string, Slot>();
  readonly #listeners = new Set<(device: string) => void>();
  #news = Promise.withResolvers<void>();
  #isClosing = false;

  constructor(context: OpenDeviceContext) {
    this.#context = context;
  }

  get devices(): ReadonlyMap<string, OpenDevice> {
    const slots = Array.from(this.#slots.values());
    return new Map(slots.flatMap(({ name, state }) => (state.kind === "none" ? [] : [[name, state.device]])));
  }

  get failures(): readonly OpenFailure[] {
    return Array.from(this.devices.values()).flatMap((device) => device.failures);
  }

  async reload(config: AgentConfig, occupancy: Occupancy): Promise<void> {
    for (const name of [...config.devices.keys(), ...this.#slots.keys()]) {
      const slot = this.#slots.get(name) ?? { name, wanted: undefined, state: { kind: "none" }, turning: undefined };
      this.#slots.set(name, slot);
      slot.wanted = config.devices.get(name);
      this.#retireIfOutdated(slot);
    }
    for (const slot of this.#slots.values()) {
      if (!isSettled(slot)) {
        slot.turning ??= this.#turn(slot, occupancy);
      }
    }
    this.#wake();
    await Promise.all(Array.from(this.#slots.values(), ({ turning }) => turning));
  }

  onChange(listener: (device: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#wake();
    const slots = Array.from(this.#slots.values());
    await Promise.all(slots.map(({ turning }) => turning));
    await Promise.all(
      slots.map(({ state }) => (state.kind === "open" ? state.device[Symbol.asyncDispose]() : undefined)),
    );
    this.#slots.clear();
  }

  #retireIfOutdated(slot: Slot): void {
    if (slot.state.kind !== "open") {
      return;
    }
    const { device } = slot.state;
    if (slot.wanted !== undefined && isSettled(slot)) {
      this.#describeAnew(device, slot.wanted);
    }
    const change = slot.wanted === undefined ? "was taken out of the configuration" : "is configured anew";
    const reason = isSettled(slot) ? undefined : `it ${change} and waits for what runs on it`;
    if (device.retiring !== reason) {
      device.retiring = reason;
      this.#tell(slot.name);
    }
  }

  /** What a device is called changes nothing that is open. */
  #describeAnew(device: OpenDevice, config: DeviceConfig): void {
    const said = ({ description, labels }: DeviceConfig) => JSON.stringify([description, ...labels]);
    const isNews = said(device.config) !== said(config);
    device.config = config;
    if (isNews) {
      this.#tell(config.name);
    }
  }

  async #turn(slot: Slot, occupancy: Occupancy): Promise<void> {
    using _ = occupancy.onChange(() => this.#wake());
    while (!this.#isClosing && !isSettled(slot)) {
      const { state, wanted } = slot;
      if (state.kind === "open" && occupancy.holdOf(slot.name) !== undefined) {
        await this.#news.promise;
      } else if (state.kind === "open") {
        slot.state = { kind: "closing", device: state.device };
        await state.device[Symbol.asyncDispose]();
        slot.state = { kind: "closed", device: state.device };
        this.#wake();
      } else if (wanted === undefined) {
        slot.state = { kind: "none" };
      } else if (this.#hasToWait(wanted)) {
        await this.#news.promise;
      } else {
        slot.state = { kind: "open", device: await openDevice(wanted, this.#context) };
        this.#retireIfOutdated(slot);
      }
    }
    slot.turning = undefined;
    if (slot.state.kind === "none") {
      this.#slots.delete(slot.name);
    }
    this.#tell(slot.name);
  }

  /** Whether a device that is on its way out still has hardware of this one. */
  #hasToWait(wanted: DeviceConfig): boolean {
    const needed = hardwareOf(wanted);
    return Array.from(this.#slots.values()).some((slot) => {
      const { name, state } = slot;
      const isLeaving = state.kind === "closing" || (state.kind === "open" && !isSettled(slot));
      return isLeaving && name !== wanted.name && !needed.isDisjointFrom(hardwareOf(state.device.config));
    });
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  #tell(device: string): void {
    this.#wake();
    for (const listener of this.#listeners) {
      listener(device);
    }
  }
}

function isSettled({ wanted, state }: Slot): boolean {
  return wanted === undefined
    ? state.kind === "none"
    : state.kind === "open" && state.device.config.fingerprint === wanted.fingerprint;
}

function hardwareOf({ commands }: DeviceConfig): ReadonlySet<string> {
  const modules = Array.from(commands.values()).flatMap(({ uses }) => uses.map(({ module }) => module));
  return new Set(modules.flatMap(({ resources }) => resources.map(({ kind, name }) => `${kind} ${name}`)));
}

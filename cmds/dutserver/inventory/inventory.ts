import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Device, DeviceSchema, type WatchResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { titleOf } from "../agents/callee.ts";
import type { Peers } from "../cluster/peers.ts";
import type { Registry, RegistryChange } from "../registry/registry.ts";
import { DeviceBoard } from "./device-board.ts";
import { offline } from "./devices-of.ts";
import { Follower } from "./follower.ts";
import type { Pace } from "./news-of.ts";

/** Which devices are meant: those of all servers, or those whose agents are at this one. */
export type Scope = "lab" | "here";

/**
 * The devices of the lab as they are, always: one watch of each agent, and of each other server, serves everybody who asks.
 */
export class Inventory implements Disposable {
  readonly #registry: Registry;
  readonly #peers: Peers;
  readonly #options: Pace;
  readonly #end = new AbortController();
  readonly #followers = new Map<string, Follower>();
  readonly #boards: Readonly<Record<Scope, DeviceBoard>> = { lab: new DeviceBoard(), here: new DeviceBoard() };
  /** The devices that an agent had when it was looked at last. */
  readonly #shown = new Map<string, ReadonlySet<string>>();
  readonly #subscriptions = new DisposableStack();

  constructor(registry: Registry, peers: Peers, options: Pace = { pollMs: 3_000, retryMs: 2_000, firstMs: 2_000 }) {
    this.#registry = registry;
    this.#peers = peers;
    this.#options = options;
    this.#subscriptions.use(registry.onChange((change) => this.#changed(change)));
    this.#subscriptions.use(peers.onDevice((device) => this.#look(device)));
    for (const name of registry.agents) {
      this.#agentChanged(name);
    }
  }

  /** Resolves when an agent that is here is known, be it that there is no answer; also when it goes before. */
  async knows(agent: string): Promise<void> {
    await this.#followers.get(agent)?.known;
  }

  /**
   * Every device, sorted by its name's bytes. Waits for agents that have just registered an address, but not for long;
   * those that dial in are here only when they are known.
   */
  async list(scope: Scope, signal: AbortSignal): Promise<readonly Device[]> {
    await this.#known(signal);
    return this.#namesIn(scope).flatMap((name) => this.#boards[scope].get(name) ?? []);
  }

  /**
   * A snapshot of every device, or of one, and then every change until the signal. Throws not_found for a device that
   * nobody has, the signal's reason, and unavailable when the inventory is disposed.
   */
  async *watch(
    scope: Scope,
    device: string | undefined,
    caller: AbortSignal,
  ): AsyncGenerator<MessageInitShape<typeof WatchResponseSchema>> {
    if (device !== undefined) {
      this.#registry.deviceOf(device);
    }
    const signal = AbortSignal.any([caller, this.#end.signal]);
    await this.#known(signal);
    yield* this.#boards[scope].watch(device, () => this.#namesIn(scope), signal);
  }

  /** Something has been done to a device: an agent here that is only asked now and then is asked at once. */
  knock(device: string): void {
    const owner = this.#registry.find(device);
    if (owner !== undefined) {
      this.#followers.get(owner.agent)?.knock();
    }
  }

  /** Resolves when everybody is shown that a device is as it should be, or the signal aborts. */
  shows(device: string, isRight: (device: Device | undefined) => boolean, signal: AbortSignal): Promise<void> {
    return this.#boards.lab.until(device, isRight, signal);
  }

  [Symbol.dispose](): void {
    this.#end.abort(new DutError("unavailable", "dutserver is shutting down"));
    this.#subscriptions.dispose();
    for (const follower of this.#followers.values()) {
      follower[Symbol.dispose]();
    }
    this.#followers.clear();
  }

  #namesIn(scope: Scope): readonly string[] {
    const names = this.#registry.devices;
    return scope === "lab" ? names : names.filter((name) => this.#boards.here.get(name) !== undefined);
  }

  async #known(signal: AbortSignal): Promise<void> {
    const late = Array.from(this.#followers).filter(([agent, { isNew }]) => isNew && hasAddress(this.#registry, agent));
    await Promise.all(late.map(([, { known }]) => known));
    signal.throwIfAborted();
  }

  #changed(change: RegistryChange): void {
    if (change.kind === "agent") {
      this.#agentChanged(change.name);
      return;
    }
    for (const name of this.#registry.agents) {
      if (this.#registry.recordOf(name)?.server === change.name) {
        this.#agentChanged(name);
      }
    }
  }

  #agentChanged(name: string): void {
    const follower = this.#followers.get(name);
    const place = this.#registry.placeOf(name);
    const agent = place.kind === "here" ? place.agent : undefined;
    if (follower !== undefined && follower.callee !== agent) {
      follower[Symbol.dispose]();
      this.#followers.delete(name);
    } else {
      follower?.knock();
    }
    if (agent !== undefined && !this.#followers.has(name)) {
      const changed = (device: string | undefined) => this.#agentSaid(name, device);
      this.#followers.set(name, new Follower(agent, this.#options, changed));
    }
    const before = this.#shown.get(name);
    const now = new Set(this.#registry.recordOf(name)?.devices.map((device) => device.name));
    this.#shown.set(name, now);
    for (const device of before?.union(now) ?? now) {
      this.#look(device);
    }
  }

  #agentSaid(name: string, device: string | undefined): void {
    const devices = device === undefined ? this.#registry.recordOf(name)?.devices.map((facts) => facts.name) : [device];
    for (const each of devices ?? []) {
      this.#look(each);
    }
  }

  /** Shows a device as it is now. */
  #look(name: string): void {
    const { here, lab } = this.#boards;
    const found = this.#find(name);
    here.set(name, found?.isHere === true ? found.device : undefined);
    lab.set(name, found?.device);
  }

  #find(name: string): { readonly device: Device; readonly isHere: boolean } | undefined {
    const owner = this.#registry.find(name);
    if (owner === undefined) {
      return undefined;
    }
    const { agent, description, labels } = owner;
    const place = this.#registry.placeOf(agent);
    const described = (device: Device) =>
      create(DeviceSchema, {
        ...device,
        description: device.description || description,
        labels: Object.keys(device.labels).length === 0 ? { ...labels } : device.labels,
      });
    switch (place.kind) {
      case "here": {
        const follower = this.#followers.get(agent);
        const said = follower?.device(name) ?? this.#boards.lab.get(name);
        return said && { device: described(said), isHere: true };
      }
      case "elsewhere":
        return { device: described(this.#peers.deviceAt(place.server, name)), isHere: false };
      case "offline":
        return {
          device: described(offline(name, `${titleOf(agent)} is offline: ${place.reason}`, place.since)),
          isHere: false,
        };
    }
  }
}

/** Who registered an address was answered before it was asked anything. */
function hasAddress(registry: Registry, agent: string): boolean {
  return registry.recordOf(agent)?.address !== "";
}

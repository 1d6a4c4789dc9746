import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { equals, type MessageInitShape } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Device, DeviceSchema, type WatchResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Agent, Registry } from "../registry.ts";
import { AgentFollower } from "./agent-follower.ts";
import { offline } from "./devices-of.ts";
import type { Pace } from "./news-of.ts";

export interface InventoryOptions extends Pace {
  /** What the first watcher waits for agents that have not said anything yet, in milliseconds. */
  readonly firstMs: number;
}

/** Somebody who watches: the names of the devices that are others than he was told. */
interface Watcher {
  readonly device: string | undefined;
  readonly stale: Set<string>;
  readonly news: EventEmitter;
}

/**
 * The devices of all agents as they are, kept for as long as somebody watches: one watch of each agent serves all
 * watchers. A watcher that does not read costs a set of names, and hears of each device only what it is by then.
 */
export class Inventory implements Disposable {
  readonly #registry: Registry;
  readonly #options: InventoryOptions;
  readonly #end = new AbortController();
  readonly #watchers = new Set<Watcher>();
  readonly #followers = new Map<Agent, AgentFollower>();
  /** What watchers are told. */
  readonly #devices = new Map<string, Device>();
  #registrations: Disposable | undefined;

  constructor(registry: Registry, options: InventoryOptions = { pollMs: 3_000, retryMs: 2_000, firstMs: 2_000 }) {
    this.#registry = registry;
    this.#options = options;
  }

  /**
   * A snapshot of every device, or of one, and then every change until the signal. Throws not_found for a device that
   * nobody has, the signal's reason, and unavailable when the inventory is disposed.
   */
  async *watch(
    device: string | undefined,
    caller: AbortSignal,
  ): AsyncGenerator<MessageInitShape<typeof WatchResponseSchema>> {
    if (device !== undefined) {
      this.#registry.agentOf(device);
    }
    const signal = AbortSignal.any([caller, this.#end.signal]);
    const watcher: Watcher = { device, stale: new Set(), news: new EventEmitter() };
    using _ = this.#attend(watcher);
    try {
      await this.#known(signal);
      watcher.stale.clear();
      yield { event: { case: "snapshot", value: { devices: this.#snapshot(device) } } };
      for (;;) {
        while (watcher.stale.size === 0) {
          await once(watcher.news, "news", { signal });
        }
        for (const name of watcher.stale) {
          watcher.stale.delete(name);
          const now = this.#devices.get(name);
          yield { event: now === undefined ? { case: "removed", value: name } : { case: "changed", value: now } };
          signal.throwIfAborted();
        }
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  [Symbol.dispose](): void {
    this.#end.abort(new DutError("unavailable", "dutserver is shutting down"));
    this.#rest();
  }

  #attend(watcher: Watcher): Disposable {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) {
      this.#registrations = this.#registry.onChange(() => this.#follow());
      this.#follow();
    }
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(watcher);
        if (this.#watchers.size === 0) {
          this.#rest();
        }
      },
    };
  }

  /** Follows the agents that there are now, and no others. */
  #follow(): void {
    const agents = new Set(this.#registry.agents.map(({ agent }) => agent));
    for (const [agent, follower] of this.#followers) {
      if (agents.has(agent)) {
        follower.knock();
      } else {
        follower[Symbol.dispose]();
        this.#followers.delete(agent);
      }
    }
    for (const agent of agents) {
      if (!this.#followers.has(agent)) {
        const changed = (device: string | undefined) => this.#look(agent, device);
        this.#followers.set(agent, new AgentFollower(agent, this.#options, changed));
      }
    }
    this.#lookAtAll();
  }

  #rest(): void {
    this.#registrations?.[Symbol.dispose]();
    for (const follower of this.#followers.values()) {
      follower[Symbol.dispose]();
    }
    this.#followers.clear();
    this.#devices.clear();
  }

  /** Waits until every agent has said something, but not for ever. */
  async #known(signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const patience = delay(this.#options.firstMs, undefined, { signal: AbortSignal.any([signal, enough.signal]) });
    try {
      await Promise.race([patience, Promise.all(this.#followers.values().map(({ known }) => known))]);
    } finally {
      enough.abort();
      patience.catch(() => undefined);
    }
  }

  #snapshot(device: string | undefined): Device[] {
    const names = device === undefined ? this.#registry.devices : [device];
    return names.map((name) => this.#devices.get(name) ?? this.#unknown(name));
  }

  #unknown(name: string): Device {
    return offline(name, `dutagent at ${this.#registry.find(name)?.address} has not answered the server yet`);
  }

  /** Looks at one device of an agent, or at all. */
  #look(agent: Agent, device: string | undefined): void {
    if (device === undefined) {
      this.#lookAtAll();
    } else if (this.#registry.find(device) === agent) {
      this.#lookAt(device);
    }
  }

  #lookAtAll(): void {
    for (const name of new Set([...this.#devices.keys(), ...this.#registry.devices])) {
      this.#lookAt(name);
    }
  }

  /** Tells the watchers when a device is another than before. One of which nothing is known yet stays what it was. */
  #lookAt(name: string): void {
    const agent = this.#registry.find(name);
    const before = this.#devices.get(name);
    const now = agent === undefined ? undefined : (this.#followers.get(agent)?.device(name) ?? before);
    if (now === before || (now !== undefined && before !== undefined && equals(DeviceSchema, now, before))) {
      return;
    }
    if (now === undefined) {
      this.#devices.delete(name);
    } else {
      this.#devices.set(name, now);
    }
    for (const watcher of this.#watchers) {
      if (watcher.device === undefined || watcher.device === name) {
        watcher.stale.add(name);
        watcher.news.emit("news");
      }
    }
  }
}

import { EventEmitter, once } from "node:events";
import { equals, type MessageInitShape } from "@bufbuild/protobuf";
import { type Device, DeviceSchema, type WatchResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

type WatchResponse = MessageInitShape<typeof WatchResponseSchema>;

/** Somebody who watches: the names of the devices that are others than he was told. */
interface Watcher {
  readonly device: string | undefined;
  readonly stale: Set<string>;
  readonly news: EventEmitter;
}

/**
 * Devices as they are now, and who watches them. A watcher that does not read costs a set of names, and hears of each
 * device only what it is by then.
 */
export class DeviceBoard {
  readonly #devices = new Map<string, Device>();
  readonly #watchers = new Set<Watcher>();

  /** Of all devices. */
  get names(): Iterable<string> {
    return this.#devices.keys();
  }

  get(name: string): Device | undefined {
    return this.#devices.get(name);
  }

  /** Undefined takes it away. Those who watch are told when it is another than before. */
  set(name: string, now: Device | undefined): void {
    const before = this.#devices.get(name);
    if (now === before || (now !== undefined && before !== undefined && equals(DeviceSchema, now, before))) {
      return;
    }
    if (now === undefined) {
      this.#devices.delete(name);
    } else {
      this.#devices.set(name, now);
    }
    for (const { device, stale, news } of this.#watchers) {
      if (device === undefined || device === name) {
        stale.add(name);
        news.emit("news");
      }
    }
  }

  /** Resolves when a device is as it should be, or the signal aborts. */
  async until(name: string, isRight: (device: Device | undefined) => boolean, signal: AbortSignal): Promise<void> {
    using watcher = this.#attend(name);
    while (!isRight(this.get(name)) && !signal.aborted) {
      await once(watcher.news, "news", { signal }).catch((error: unknown) => {
        if (!signal.aborted) {
          throw error;
        }
      });
    }
  }

  /** A snapshot of the devices that `names` gives, or of one, and then every change until the signal, whose reason it throws. */
  async *watch(
    device: string | undefined,
    names: () => readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<WatchResponse> {
    using watcher = this.#attend(device);
    try {
      const devices = (device === undefined ? names() : [device]).flatMap((name) => this.get(name) ?? []);
      yield { event: { case: "snapshot", value: { devices } } };
      for (;;) {
        while (watcher.stale.size === 0) {
          await once(watcher.news, "news", { signal });
        }
        for (const name of watcher.stale) {
          watcher.stale.delete(name);
          const now = this.get(name);
          yield { event: now === undefined ? { case: "removed", value: name } : { case: "changed", value: now } };
          signal.throwIfAborted();
        }
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  #attend(device: string | undefined): Watcher & Disposable {
    const watcher = { device, stale: new Set<string>(), news: new EventEmitter() };
    this.#watchers.add(watcher);
    return { ...watcher, [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }
}

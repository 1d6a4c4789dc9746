import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import {
  type Device,
  DeviceSchema,
  DeviceState,
  LabService,
  type WatchResponseSchema,
} from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

type WatchEvent = NonNullable<MessageInitShape<typeof WatchResponseSchema>["event"]>;

/** An agent whose devices the test sets. */
export interface LabAgent {
  readonly routes: (router: ConnectRouter) => void;
  /** How many watches are open. */
  readonly watches: number;
  set(device: Device): void;
  remove(name: string): void;
}

interface Rest {
  readonly description?: string;
  readonly state?: DeviceState;
  readonly lock?: { readonly owner: string };
}

/** A free device, but for what is said else. */
export function device(name: string, rest: Rest = {}): Device {
  return create(DeviceSchema, { name, state: DeviceState.FREE, ...rest });
}

/** Answers List and Watch of our protocol as agents do. */
export function labAgent(...initially: readonly Device[]): LabAgent {
  const devices = new Map(initially.map((device) => [device.name, device]));
  const feeds = new Set<(event: WatchEvent) => void>();
  const tell = (event: WatchEvent) => {
    for (const feed of feeds) {
      feed(event);
    }
  };
  async function* watch(_: unknown, { signal }: { signal: AbortSignal }) {
    const events: WatchEvent[] = [{ case: "snapshot", value: { devices: Array.from(devices.values()) } }];
    let news = Promise.withResolvers<void>();
    const feed = (event: WatchEvent) => {
      events.push(event);
      news.resolve();
    };
    signal.addEventListener("abort", () => news.resolve());
    feeds.add(feed);
    try {
      while (!signal.aborted) {
        for (let event = events.shift(); event !== undefined; event = events.shift()) {
          yield { event };
        }
        await news.promise;
        news = Promise.withResolvers();
      }
    } finally {
      feeds.delete(feed);
    }
  }
  return {
    routes(router) {
      router.rpc(LabService.method.list, () => ({ devices: Array.from(devices.values()) }));
      router.rpc(LabService.method.watch, watch);
    },
    get watches() {
      return feeds.size;
    },
    set(device) {
      devices.set(device.name, device);
      tell({ case: "changed", value: device });
    },
    remove(name) {
      devices.delete(name);
      tell({ case: "removed", value: name });
    },
  };
}

/** An agent that knows dutctl.v1 alone, with a device that a run has and one that is reserved. */
export function oldAgent() {
  const devices = new Map([
    ["old-busy", { owner: "bob@h", lockedAt: 5n, expiresAt: 0n }],
    ["old-free", undefined],
    ["old-locked", { owner: "bob@h", lockedAt: 5n, expiresAt: 9n }],
  ]);
  return {
    routes: (router: ConnectRouter) => {
      router.rpc(DeviceService.method.list, () => ({
        devices: Array.from(devices, ([name, lock]) => (lock === undefined ? { name } : { name, lock })),
      }));
    },
    free: (name: string) => void devices.set(name, undefined),
  };
}

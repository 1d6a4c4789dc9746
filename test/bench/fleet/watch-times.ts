import { EventEmitter, once } from "node:events";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { timed } from "../medians.ts";

const locks = 100;
const watchersPerConnection = 50;

export interface Watches {
  /** Milliseconds from the call that locks a device until a watcher has the device with the lock, of every watcher. */
  readonly seen: readonly number[];
  /** Milliseconds of calls that are passed on to agents and answered. */
  readonly call: readonly number[];
}

/** Locks devices all over the lab, one after the other, while so many watch all of them. */
export async function watchTimes(
  address: string,
  { devices, watchers }: { readonly devices: readonly string[]; readonly watchers: number },
): Promise<Watches> {
  using open = new DisposableStack();
  const connect = () => open.use(connectTo(parseAddress(address), { identity: "bench" }));
  const { lab } = connect();
  const stop = new AbortController();
  open.defer(() => stop.abort());
  const count = Math.ceil(watchers / watchersPerConnection);
  const connections = Array.from({ length: count }, connect);
  // One after the other: each begins with a snapshot of everything.
  const watching: Watcher[] = [];
  for (let index = 0; index < watchers; index++) {
    watching.push(await watcherOf(connections[index % count] as Connection, stop.signal));
  }
  const seen: number[] = [];
  const call: number[] = [];
  for (let lock = 0; lock <= locks; lock++) {
    const device = devices[Math.floor((lock * devices.length) / (locks + 1))] as string;
    const begun = performance.now();
    const times = watching.map(async (watcher) => (await watcher.sees(device)) - begun);
    await lab.lock({ device, durationMs: 60_000n });
    const all = await Promise.all(times);
    const called = await timed(() => lab.describe({ device }));
    await lab.unlock({ device });
    if (lock > 0) {
      seen.push(...all);
      call.push(called);
    }
  }
  return { seen, call };
}

interface Watcher {
  /** Resolves with the time, as `performance` has it, when a device is locked. */
  sees(device: string): Promise<number>;
}

/** Resolves when it has its snapshot. */
async function watcherOf({ lab }: Connection, signal: AbortSignal): Promise<Watcher> {
  const news = new EventEmitter();
  const begun = once(news, "snapshot");
  const watching = (async () => {
    for await (const { event } of lab.watch({}, { signal })) {
      if (event.case === "snapshot") {
        news.emit("snapshot");
      } else if (event.case === "changed" && event.value.lock !== undefined) {
        news.emit(event.value.name, performance.now());
      }
    }
  })();
  watching.catch((error: unknown) => {
    if (!signal.aborted) {
      news.emit("error", error);
    }
  });
  await begun;
  return {
    async sees(device) {
      const [at] = await once(news, device);
      return at;
    },
  };
}

import { equals, type MessageInitShape } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Device, DeviceSchema, type WatchResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

/** What is watched. */
export interface Watched {
  /** As they are now. */
  devices(): Device[];
  /** Calls back after something may have changed, until disposed. */
  onChange(listener: () => void): Disposable;
}

/**
 * A snapshot, then every change, until the signal, whose reason it throws. Nothing is kept for who takes slowly: what
 * changed several times meanwhile is told once, as it is then. With a name, of that device alone; throws not_found when
 * there is none.
 */
export async function* watchDevices(
  watched: Watched,
  name: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof WatchResponseSchema>> {
  signal.throwIfAborted();
  const look = () => {
    const devices = watched.devices().filter((device) => name === undefined || device.name === name);
    return new Map(devices.map((device) => [device.name, device]));
  };
  let news = Promise.withResolvers<void>();
  using subscription = watched.onChange(() => news.resolve());
  // Who reads no more may never come back to this generator, so the subscription does not wait for that.
  const leave = () => {
    subscription[Symbol.dispose]();
    news.resolve();
  };
  signal.addEventListener("abort", leave, { once: true });
  let told = look();
  if (name !== undefined && told.size === 0) {
    throw new DutError("not_found", `device ${quote(name)}: no such device`);
  }
  yield { event: { case: "snapshot", value: { devices: Array.from(told.values()) } } };
  for (;;) {
    signal.throwIfAborted();
    await news.promise;
    signal.throwIfAborted();
    news = Promise.withResolvers();
    const now = look();
    for (const gone of told.keys()) {
      if (!now.has(gone)) {
        yield { event: { case: "removed", value: gone } };
      }
    }
    for (const device of now.values()) {
      const before = told.get(device.name);
      if (before === undefined || !equals(DeviceSchema, before, device)) {
        yield { event: { case: "changed", value: device } };
      }
    }
    told = now;
  }
}

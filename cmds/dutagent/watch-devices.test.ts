import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import { DeviceSchema, WatchResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { type Watched, watchDevices } from "./watch-devices.ts";

/** Devices that a test changes, by name and description. */
function shelf(initial: Readonly<Record<string, string>>) {
  const devices = new Map(Object.entries(initial));
  const listeners = new Set<() => void>();
  const watched: Watched = {
    devices: () => Array.from(devices, ([name, description]) => create(DeviceSchema, { name, description })),
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const change = (edit: (devices: Map<string, string>) => void) => {
    edit(devices);
    for (const listener of listeners) {
      listener();
    }
  };
  return { watched, listeners, change };
}

/** The next event of a watch in words. */
async function next(watch: ReturnType<typeof watchDevices>): Promise<string> {
  const { value } = await watch.next();
  const { event } = create(WatchResponseSchema, value ?? {});
  switch (event.case) {
    case "snapshot":
      return `snapshot ${event.value.devices.map(({ name, description }) => `${name}=${description}`).join(" ")}`;
    case "changed":
      return `changed ${event.value.name}=${event.value.description}`;
    default:
      return `${event.case} ${event.value}`;
  }
}

test("a snapshot, then each change, arrival and departure", async () => {
  const { watched, change } = shelf({ a: "1", b: "1" });
  const watch = watchDevices(watched, undefined, new AbortController().signal);
  const told = [await next(watch)];
  change((devices) => devices.set("b", "2"));
  told.push(await next(watch));
  change((devices) => {
    devices.delete("a");
    devices.set("c", "1");
  });
  told.push(await next(watch), await next(watch));
  const pending = next(watch);
  change(() => {});
  change((devices) => devices.set("c", "2"));
  assert.deepEqual(
    [...told, await pending],
    ["snapshot a=1 b=1", "changed b=2", "removed a", "changed c=1", "changed c=2"],
  );
});

test("what changed many times while nobody took it is told once, as it is now", async () => {
  const { watched, change } = shelf({ a: "1", b: "1" });
  const watch = watchDevices(watched, undefined, new AbortController().signal);
  await next(watch);
  for (let count = 2; count <= 1_000; count += 1) {
    change((devices) => devices.set("a", String(count)).set("passing", "by"));
  }
  change((devices) => devices.delete("passing"));
  const pending = [next(watch), next(watch)];
  change((devices) => devices.set("b", "2"));
  assert.deepEqual(await Promise.all(pending), ["changed a=1000", "changed b=2"]);
});

test("one device is watched by name, also while it is away, and an unknown one is refused", async () => {
  const { watched, change } = shelf({ a: "1", b: "1" });
  const watch = watchDevices(watched, "b", new AbortController().signal);
  const told = [await next(watch)];
  change((devices) => devices.set("a", "2").delete("b"));
  told.push(await next(watch));
  change((devices) => devices.set("b", "3"));
  told.push(await next(watch));
  assert.deepEqual(told, ["snapshot b=1", "removed b", "changed b=3"]);
  await assert.rejects(watchDevices(watched, "none", new AbortController().signal).next(), {
    code: "not_found",
    message: 'device "none": no such device',
  });
});

test("a watch ends with the reason of its signal, and leaves nothing behind even if nobody reads on", async () => {
  const { watched, listeners } = shelf({ a: "1" });
  const control = new AbortController();
  const [waiting, unread] = [1, 2].map(() => watchDevices(watched, undefined, control.signal));
  await unread?.next();
  await waiting?.next();
  const rest = waiting?.next();
  assert.equal(listeners.size, 2);
  const reason = new DutError("unavailable", "dutagent is shutting down");
  control.abort(reason);
  await assert.rejects(rest ?? Promise.resolve(), reason);
  assert.equal(listeners.size, 0);
});

import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { DeviceEvent, DeviceRow } from "../output/content.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { deviceRow, deviceRowOfV1 } from "./device-rows.ts";
import { isUnimplemented } from "./prefer-lab.ts";

/** How often a peer is asked that cannot tell by itself. Milliseconds. */
const pollMs = 1_000;

/**
 * What there is, of every device or of the one that is named, then every change, until the signal is aborted or the
 * connection is lost, which throws. A peer that knows only the old protocol is asked every second.
 */
export async function* deviceEvents(
  device: string | undefined,
  context: Pick<Context, "connection" | "devices" | "options">,
  signal: AbortSignal,
): AsyncGenerator<DeviceEvent> {
  const { options } = context;
  if (options.protocol !== "v1") {
    try {
      return yield* told(device, context, signal);
    } catch (error) {
      if (options.protocol === "lab" || !isUnimplemented(error)) {
        throw error;
      }
    }
  }
  yield* asked(device, context, signal);
}

async function* told(
  device: string | undefined,
  { connection }: Pick<Context, "connection">,
  signal: AbortSignal,
): AsyncGenerator<DeviceEvent> {
  const known = new Map<string, DeviceRow>();
  for await (const { event } of connection.lab.watch({ device: device ?? "" }, { signal })) {
    switch (event.case) {
      case "snapshot":
        known.clear();
        for (const each of event.value.devices) {
          known.set(each.name, deviceRow(each));
        }
        yield { devices: sorted(known), change: { kind: "snapshot" } };
        break;
      case "changed": {
        const changed = deviceRow(event.value);
        known.set(changed.name, changed);
        yield { devices: sorted(known), change: { kind: "changed", device: changed } };
        break;
      }
      case "removed":
        known.delete(event.value);
        yield { devices: sorted(known), change: { kind: "removed", name: event.value } };
        break;
      default:
      // An event of a later version of the protocol says nothing to this one.
    }
  }
  throw new DutError("unavailable", "the agent has ended the watch");
}

async function* asked(
  device: string | undefined,
  { devices }: Pick<Context, "devices">,
  signal: AbortSignal,
): AsyncGenerator<DeviceEvent> {
  let known: Map<string, DeviceRow> | undefined;
  for (;;) {
    const now = new Map<string, DeviceRow>();
    for (const each of (await devices.list({}, unary(signal))).devices) {
      if (device === undefined || each.name === device) {
        now.set(each.name, deviceRowOfV1(each));
      }
    }
    if (known === undefined) {
      if (device !== undefined && now.size === 0) {
        throw new DutError("not_found", `device ${quote(device)}: no such device`);
      }
      yield { devices: sorted(now), change: { kind: "snapshot" } };
    } else {
      yield* differences(known, now);
    }
    known = now;
    await setTimeout(pollMs, undefined, { signal });
  }
}

function* differences(
  before: ReadonlyMap<string, DeviceRow>,
  now: ReadonlyMap<string, DeviceRow>,
): Generator<DeviceEvent> {
  const devices = sorted(now);
  for (const name of before.keys()) {
    if (!now.has(name)) {
      yield { devices, change: { kind: "removed", name } };
    }
  }
  for (const device of devices) {
    if (!isDeepStrictEqual(device, before.get(device.name))) {
      yield { devices, change: { kind: "changed", device } };
    }
  }
}

/** In the order of the list. */
function sorted(devices: ReadonlyMap<string, DeviceRow>): DeviceRow[] {
  return [...devices.values()].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

import type { Host } from "#pkg/host/host.ts";
import type { OpenContext } from "../../module.ts";
import type { PortUser } from "./kept-port.ts";
import { commonPlan, type RecordingPlan } from "./plan.ts";
import { SharedPort } from "./shared-port.ts";

interface Shared {
  readonly port: SharedPort;
  readonly plans: Set<RecordingPlan>;
  /** Whether the port has the settings of an entry that writes. */
  isSettled: boolean;
}

/** The ports that entries of a configuration have open, by what their paths led to at that time. */
const portsOf = new WeakMap<Host, Map<string, Shared>>();

export interface Entry extends AsyncDisposable {
  readonly port: SharedPort;
}

/**
 * Begins to record a port, or shares the one of other entries; it is closed with the last of them. The first entry that
 * writes says which settings it has until a run brings others. That its device is
 * not there is no failure. Throws invalid_argument when another entry wants it recorded otherwise.
 */
export async function sharePort(
  path: string,
  user: PortUser,
  plan: RecordingPlan,
  { host, log }: Pick<OpenContext, "host" | "log">,
): Promise<Entry> {
  const ports = portsOf.get(host) ?? new Map<string, Shared>();
  portsOf.set(host, ports);
  const device = await host.serialPorts.identify(path);
  const there = ports.get(device);
  const common = commonPlan(path, [...(there?.plans ?? []), plan]);
  const shared = there ?? {
    port: new SharedPort({ path, user, plan: common, host, log, freeDevice: (port) => freeDevice(port, host) }),
    plans: new Set(),
    isSettled: false,
  };
  ports.set(device, shared);
  // The same plan may be given twice, and each is taken away once.
  const own = { ...plan };
  shared.plans.add(own);
  shared.port.follow(common);
  if (plan.writes && !shared.isSettled) {
    shared.isSettled = true;
    await shared.port.settle(user);
  }
  return {
    port: shared.port,
    async [Symbol.asyncDispose]() {
      if (shared.plans.delete(own) && shared.plans.size === 0) {
        ports.delete(device);
        await shared.port[Symbol.asyncDispose]();
      }
    },
  };
}

/** A device has two names here when they appeared after their entries were opened: the names take turns. */
async function freeDevice(wanted: SharedPort, host: Host): Promise<void> {
  const device = await host.serialPorts.identify(wanted.path);
  for (const { port } of portsOf.get(host)?.values() ?? []) {
    if (port !== wanted && (await host.serialPorts.identify(port.path)) === device) {
      await port.stepAside();
    }
  }
}

import type { ConnectRouter } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { DeviceService, RelayService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { askEveryAgent } from "../every-agent.ts";
import type { Registry } from "../registry.ts";
import { forwarding } from "./forward.ts";

/** What the server answers of dutctl.v1: registrations, one list of all agents' devices, and what it forwards. */
export function deviceRoutes(registry: Registry, log: Log): (router: ConnectRouter) => void {
  const forwarded = forwarding(registry);
  return (router) => {
    router.service(DeviceService, {
      async list(_, { signal }) {
        const answers = await askEveryAgent(registry, signal, ({ connection }, options) =>
          connection.devices.list({}, options),
        );
        const locks = new Map(
          answers.flatMap(({ value, devices }) =>
            (value?.devices ?? []).filter(({ name }) => devices.has(name)).map(({ name, lock }) => [name, lock]),
          ),
        );
        return { devices: registry.devices.map((name) => ({ name, lock: locks.get(name) })) };
      },
      commands: forwarded((agent) => agent.devices.commands),
      details: forwarded((agent) => agent.devices.details),
      lock: forwarded((agent) => agent.devices.lock),
      unlock: forwarded((agent) => agent.devices.unlock),
    });
    router.service(RelayService, {
      async register({ devices, address }) {
        const changed = await registry.register(devices, address);
        // Agents do so every few seconds.
        log[changed ? "info" : "debug"]("agent registered", { scope: "registry", address, devices });
        return {};
      },
    });
  };
}

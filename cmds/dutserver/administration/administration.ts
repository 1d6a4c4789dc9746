import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Client } from "#pkg/protocol/client.ts";
import { AdminService, type KnownAgentSchema } from "#pkg/protocol/gen/dutlab/v1/admin_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { Registry } from "../registry/registry.ts";

/** What is known of an agent. */
export type KnownAgent = MessageInitShape<typeof KnownAgentSchema>;

/** What an administrator does about names, at the registry or at a server that has it. All throw what the registry does. */
export interface Administration {
  agents(): Promise<readonly KnownAgent[]>;
  /** Without an agent the device is whoever's that claims it next. */
  transfer(device: string, agent: string | undefined): Promise<void>;
  release(agent: string): Promise<void>;
  remove(agent: string): Promise<void>;
}

export function administrationOf(registry: Registry): Administration {
  return {
    async agents() {
      const owned = Map.groupBy(registry.owners, ({ agent }) => agent);
      return registry.agents.toSorted().map((name) => {
        const record = registry.recordOf(name);
        const place = registry.placeOf(name);
        return {
          name,
          key: record?.key ?? "",
          version: record?.version ?? "",
          ...(place.kind === "offline" ? { offlineSinceMs: BigInt(place.since), reason: place.reason } : {}),
          devices: owned.get(name)?.map(({ device }) => device) ?? [],
        };
      });
    },
    transfer: (device, agent) => registry.transfer(device, agent),
    release: (agent) => registry.release(agent),
    remove: (agent) => registry.remove(agent),
  };
}

/** The same at a server, over its administration socket. */
export function remoteAdministration(client: Client<typeof AdminService>): Administration {
  return {
    agents: async () => (await client.listAgents({}, { readMaxBytes: limits.listMessageBytes })).agents,
    async transfer(device, agent = "") {
      await client.transferDevice({ device, agent });
    },
    async release(agent) {
      await client.releaseAgent({ agent });
    },
    async remove(agent) {
      await client.removeAgent({ agent });
    },
  };
}

/** What a server answers on its administration socket. */
export function administrationRoutes(administration: Administration): (router: ConnectRouter) => void {
  return (router) => {
    router.service(AdminService, {
      listAgents: async () => ({ agents: [...(await administration.agents())] }),
      async transferDevice({ device, agent }) {
        await administration.transfer(device, agent === "" ? undefined : agent);
        return {};
      },
      async releaseAgent({ agent }) {
        await administration.release(agent);
        return {};
      },
      async removeAgent({ agent }) {
        await administration.remove(agent);
        return {};
      },
    });
  };
}

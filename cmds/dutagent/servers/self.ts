import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DeviceConfig } from "#pkg/config/config.ts";
import type { Locks } from "#pkg/lock/locks.ts";
import type { AgentDeviceSchema, HelloSchema, RunningRunSchema } from "#pkg/protocol/gen/dutlab/v1/session_pb.ts";
import { protocolVersion } from "#pkg/protocol/version.ts";
import { sessionProof } from "#pkg/relay/session-proof.ts";
import type { RunEngine } from "#pkg/session/run-engine.ts";
import { sortedNames } from "../device-view.ts";
import type { Identity } from "./identity.ts";

/** What of a bench servers are told. */
export interface SelfBench {
  readonly devices: ReadonlyMap<string, { readonly config: Pick<DeviceConfig, "description" | "labels"> }>;
  onChange(listener: () => void): Disposable;
}

/** What an agent tells a server of itself. */
export interface Self {
  readonly name: string;
  /** Another one after every start of the program. */
  readonly bootId: string;
  readonly identity: Identity;
  readonly bench: SelfBench;
  readonly engine: Pick<RunEngine, "list">;
  readonly locks: Pick<Locks, "fence">;
}

/** The agent's answer to a challenge. */
export function helloOf(self: Self, nonce: Uint8Array): MessageInitShape<typeof HelloSchema> {
  const { name, bootId, identity, locks } = self;
  return {
    agent: name,
    version: protocolVersion,
    bootId,
    publicKey: identity.publicKey,
    signature: identity.sign(sessionProof({ nonce, agent: name, bootId })),
    devices: { devices: devicesOf(self) },
    runs: runningOf(self),
    lockFence: BigInt(locks.fence),
  };
}

/** The devices as they are configured now, sorted by name. */
export function devicesOf({ bench }: Pick<Self, "bench">): MessageInitShape<typeof AgentDeviceSchema>[] {
  const { devices } = bench;
  return sortedNames(devices.keys()).map((name) => {
    const config = devices.get(name)?.config;
    return { name, description: config?.description ?? "", labels: Object.fromEntries(config?.labels ?? []) };
  });
}

function runningOf({ engine }: Self): MessageInitShape<typeof RunningRunSchema>[] {
  return engine
    .list()
    .filter(({ outcome }) => outcome === undefined)
    .map(({ facts }) => ({ runId: facts.id, device: facts.device, owner: facts.owner }));
}

import { quote } from "#pkg/golang/quote.ts";
import type { Change } from "#pkg/store/store.ts";
import { type AgentRecord, type DeviceFacts, keys, type OwnerRecord } from "./agent-record.ts";
import type { Known } from "./lab-state.ts";

/** What of an announcement an agent gets. */
export interface Claim {
  readonly taken: readonly DeviceFacts[];
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  /** What makes it so, but for the agent's own record. */
  readonly changes: readonly Change[];
}

interface Records {
  readonly agents: ReadonlyMap<string, Known<AgentRecord>>;
  readonly owners: ReadonlyMap<string, Known<OwnerRecord>>;
}

/** Divides the devices that an agent announces: what is its own, what becomes so, and what is somebody else's. */
export function claimOf(
  { name: agent, devices }: { readonly name: string; readonly devices: readonly DeviceFacts[] },
  { agents, owners }: Records,
  movable: ReadonlySet<string>,
): Claim {
  const taken: DeviceFacts[] = [];
  const refused: { name: string; reason: string }[] = [];
  const changes: Change[] = [];
  const losers = new Map<string, Set<string>>();
  for (const device of devices) {
    const owner = owners.get(device.name);
    if (owner !== undefined && owner.value.agent !== agent && !movable.has(device.name)) {
      refused.push({
        name: device.name,
        reason: `device ${quote(device.name)} belongs to agent ${quote(owner.value.agent)}`,
      });
      continue;
    }
    taken.push(device);
    if (owner?.value.agent !== agent) {
      const value = JSON.stringify({ agent });
      changes.push({ kind: "put", key: keys.device(device.name), value, expected: owner?.revision ?? 0 });
    }
    if (owner !== undefined && owner.value.agent !== agent) {
      losers.set(owner.value.agent, (losers.get(owner.value.agent) ?? new Set()).add(device.name));
    }
  }
  for (const [loser, lost] of losers) {
    const known = agents.get(loser);
    if (known !== undefined) {
      const kept = known.value.devices.filter(({ name }) => !lost.has(name));
      const value = JSON.stringify({ ...known.value, devices: kept });
      changes.push({ kind: "put", key: keys.agent(loser), value, expected: known.revision });
    }
  }
  return {
    taken: taken.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
    refused,
    changes,
  };
}

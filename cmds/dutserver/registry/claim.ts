import { quote } from "#pkg/golang/quote.ts";
import type { Change } from "#pkg/store/store.ts";
import { type AgentRecord, type DeviceFacts, keys, type OwnerRecord } from "./agent-record.ts";
import type { Known } from "./lab-state.ts";

/** What of an announcement an agent gets. */
export interface Claim {
  /** Sorted by name. */
  readonly taken: readonly DeviceFacts[];
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  /** What makes it so, but for the agent's own record. */
  readonly changes: readonly Change[];
  /** Whether that is all of the announcement; the rest is another claim's. */
  readonly isWhole: boolean;
}

interface Records {
  readonly agents: ReadonlyMap<string, Known<AgentRecord>>;
  readonly owners: ReadonlyMap<string, Known<OwnerRecord>>;
}

export interface ClaimOptions {
  /** Of devices that others own, from whom each may be taken. */
  readonly movable: ReadonlyMap<string, string>;
  readonly mostChanges: number;
}

/** Divides the devices that an agent announces: what is its own, what becomes so, and what is somebody else's. */
export function claimOf(
  { name: agent, devices }: { readonly name: string; readonly devices: readonly DeviceFacts[] },
  { agents, owners }: Records,
  { movable, mostChanges }: ClaimOptions,
): Claim {
  const taken: DeviceFacts[] = [];
  const refused: { name: string; reason: string }[] = [];
  const claims: Change[] = [];
  const losers = new Map<string, Set<string>>();
  let isWhole = true;
  for (const device of devices) {
    const owner = owners.get(device.name);
    const holder = owner?.value.agent;
    if (holder === agent) {
      taken.push(device);
      continue;
    }
    if (holder !== undefined && movable.get(device.name) !== holder) {
      const reason = `device ${quote(device.name)} belongs to agent ${quote(holder)}`;
      refused.push({ name: device.name, reason });
      continue;
    }
    const isNewLoser = holder !== undefined && !losers.has(holder);
    if (claims.length + losers.size + (isNewLoser ? 2 : 1) > mostChanges) {
      isWhole = false;
      continue;
    }
    taken.push(device);
    const value = JSON.stringify({ agent });
    claims.push({ kind: "put", key: keys.device(device.name), value, expected: owner?.revision ?? 0 });
    if (holder !== undefined) {
      losers.set(holder, (losers.get(holder) ?? new Set()).add(device.name));
    }
  }
  const losses = Array.from(losers).flatMap(([loser, lost]) => lossOf(loser, agents.get(loser), lost));
  taken.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return { taken, refused, changes: [...claims, ...losses], isWhole };
}

/** Takes devices out of the record of the agent that had them. */
function lossOf(agent: string, known: Known<AgentRecord> | undefined, lost: ReadonlySet<string>): Change[] {
  if (known === undefined) {
    return [];
  }
  const devices = known.value.devices.filter(({ name }) => !lost.has(name));
  const value = JSON.stringify({ ...known.value, devices });
  return [{ kind: "put", key: keys.agent(agent), value, expected: known.revision }];
}

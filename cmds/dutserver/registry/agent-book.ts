import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { changeLimits } from "#pkg/store/checked-changes.ts";
import type { Change } from "#pkg/store/store.ts";
import { type AgentRecord, type DeviceFacts, keys } from "./agent-record.ts";
import { type Claim, claimOf } from "./claim.ts";
import type { Known, LabState } from "./lab-state.ts";

/** What an agent says of itself when it comes. */
export interface Arrival {
  readonly name: string;
  /** Fingerprint of its key; empty for one that registers an address. */
  readonly key: string;
  /** Where it is dialled; empty for one that dialled in. */
  readonly address: string;
  readonly version: string;
  readonly bootId: string;
  readonly fence: number;
  readonly devices: readonly DeviceFacts[];
}

/** What became of an arrival. */
export interface Attached {
  readonly epoch: number;
  readonly refused: Claim["refused"];
}

/** Since when no server has an agent, in Unix time of milliseconds, and why. */
export interface Loss {
  readonly since: number;
  readonly reason: string;
}

/** Claims that are made in one change; one more is the agent's own. */
const claimsAtOnce = changeLimits.changes - 1;

/** What a session is, but for its devices, by what is known of the agent. Throws when there can be none. */
type SessionOf = (known: Known<AgentRecord> | undefined) => Omit<AgentRecord, "devices">;

/** What the store is told of agents and of who owns which device. Every entry is made of the records as they are then. */
export class AgentBook {
  readonly #state: LabState;
  readonly #self: string;
  readonly #now: () => number;

  /** `self` is the id of this server. */
  constructor(state: LabState, self: string, now: () => number) {
    this.#state = state;
    this.#self = self;
    this.#now = now;
  }

  /**
   * A new session of an agent at this server, with the devices that are or become its own; of those of others it takes the
   * `movable`, each from the agent that is named there. Its epoch is at least the given one. Throws already_exists for a
   * name that belongs to another key.
   */
  enter(arrival: Arrival, movable: ReadonlyMap<string, string>, atLeast = 1): Promise<Attached> {
    const { name, key, address, version, bootId, fence } = arrival;
    const since = this.#now();
    return this.#write(arrival, movable, (known) => {
      if (known !== undefined && known.value.key !== key && !isReleased(known.value)) {
        throw new DutError(
          "already_exists",
          `agent name ${quote(name)} belongs to another key, ${known.value.key || "that of an address"}`,
        );
      }
      return {
        ...{ key, address, version, bootId, since, server: this.#self, reason: "" },
        epoch: Math.max((known?.value.epoch ?? 0) + 1, atLeast),
        fence: Math.max(fence, known?.value.fence ?? 0),
      };
    });
  }

  /**
   * A session of which the store has not all: as it was when that could not be written, or not at all. Throws
   * failed_precondition when the agent has a newer one.
   */
  catchUp(arrival: Arrival, epoch: number): Promise<Attached> {
    const known = this.#state.agents.get(arrival.name)?.value;
    const isBehind = known === undefined || known.epoch < epoch;
    return isBehind ? this.enter(arrival, new Map(), epoch) : this.correct(arrival, epoch);
  }

  /** Other devices of a session. Throws failed_precondition when the agent has a newer one. */
  correct(arrival: Arrival, epoch: number): Promise<Attached> {
    return this.#write(arrival, new Map(), (known) => {
      if (known === undefined || known.value.epoch !== epoch || known.value.server !== this.#self) {
        throw new DutError("failed_precondition", `agent ${quote(arrival.name)} has another session`);
      }
      return known.value;
    });
  }

  /** The end of a session at this server; nothing when another one has begun. */
  lose(agent: string, loss: Loss): Promise<void> {
    return this.#state.settle(() => {
      const known = this.#state.agents.get(agent);
      const changes =
        known?.value.server === this.#self ? [entry(agent, known, { ...known.value, server: "", ...loss })] : [];
      return { changes, result: undefined };
    });
  }

  /** See Registry. */
  async transfer(device: string, to: string | undefined): Promise<void> {
    if (to !== undefined) {
      this.#known(to);
    }
    const key = keys.device(device);
    await this.#state.settle(() => {
      const owner = this.#state.owners.get(device);
      const expected = owner?.revision ?? 0;
      const changes: Change[] =
        owner === undefined || owner.value.agent === to ? [] : this.#without(owner.value.agent, device);
      if (to !== undefined) {
        changes.push({ kind: "put", key, value: JSON.stringify({ agent: to }), expected });
      } else if (owner !== undefined) {
        changes.push({ kind: "delete", key, expected });
      }
      return { changes, result: undefined };
    });
  }

  /** See Registry. */
  release(agent: string): Promise<void> {
    return this.#state.settle(() => {
      const known = this.#known(agent);
      return { changes: [entry(agent, known, { ...known.value, key: "", address: "" })], result: undefined };
    });
  }

  /** See Registry. Also what an agent owns that nobody knows. */
  async remove(agent: string): Promise<void> {
    for (let left = Number.POSITIVE_INFINITY; left > claimsAtOnce; ) {
      left = await this.#state.settle(() => {
        const owned = Array.from(this.#state.owners).filter(([, { value }]) => value.agent === agent);
        const known = owned.length === 0 ? this.#known(agent) : this.#state.agents.get(agent);
        const changes: Change[] = owned
          .slice(0, claimsAtOnce)
          .map(([device, { revision }]) => ({ kind: "delete", key: keys.device(device), expected: revision }));
        if (owned.length <= claimsAtOnce && known !== undefined) {
          changes.push({ kind: "delete", key: keys.agent(agent), expected: known.revision });
        }
        return { changes, result: owned.length };
      });
    }
  }

  #known(agent: string): Known<AgentRecord> {
    const known = this.#state.agents.get(agent);
    if (known === undefined) {
      throw new DutError("not_found", `agent ${quote(agent)} is not known here`, {
        hint: "dutserver agent list shows what is known",
      });
    }
    return known;
  }

  /**
   * Claims as many devices as fit into one change, and with each of these changes writes what the agent has by then, so
   * that whoever owns something is known. `session` gives the rest of the first record; those behind it are the same
   * session's.
   */
  async #write(arrival: Arrival, movable: ReadonlyMap<string, string>, session: SessionOf): Promise<Attached> {
    const { name } = arrival;
    let begun: Omit<AgentRecord, "devices"> | undefined;
    for (;;) {
      const { claim, record } = await this.#state.settle(() => {
        const known = this.#state.agents.get(name);
        if (begun !== undefined && known?.value.epoch !== begun.epoch) {
          throw new DutError("failed_precondition", `agent ${quote(name)} has another session`);
        }
        const claim = claimOf(arrival, this.#state, { movable, mostChanges: claimsAtOnce });
        const record = { ...(begun ?? session(known)), devices: claim.taken };
        return { changes: [...claim.changes, entry(name, known, record)], result: { claim, record } };
      });
      if (claim.isWhole) {
        return { epoch: record.epoch, refused: claim.refused };
      }
      begun = record;
    }
  }

  /** Takes a device out of an agent's record. */
  #without(agent: string, device: string): Change[] {
    const known = this.#state.agents.get(agent);
    if (known === undefined || !known.value.devices.some(({ name }) => name === device)) {
      return [];
    }
    return [
      entry(agent, known, { ...known.value, devices: known.value.devices.filter(({ name }) => name !== device) }),
    ];
  }
}

function entry(agent: string, known: Known<AgentRecord> | undefined, record: AgentRecord): Change {
  return { kind: "put", key: keys.agent(agent), value: JSON.stringify(record), expected: known?.revision ?? 0 };
}

/** Whether an administrator has taken the name from its key: nothing says any more whose it is. */
function isReleased({ key, address }: AgentRecord): boolean {
  return key === "" && address === "";
}

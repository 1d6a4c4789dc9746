import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { inTurns } from "#pkg/lock/turns.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Store } from "#pkg/store/store.ts";
import type { Agent } from "../agents/callee.ts";
import { AgentBook, type Arrival, type Attached } from "./agent-book.ts";
import type { AgentRecord, DeviceFacts } from "./agent-record.ts";
import { type Device, DeviceIndex } from "./device-index.ts";
import { type LabChange, LabState } from "./lab-state.ts";
import { type Entrant, Overdue } from "./overdue.ts";
import { type Place, Places } from "./places.ts";
import { type Presence, Presences } from "./presences.ts";

export type RegistryChange = { readonly kind: "agent"; readonly name: string } | (LabChange & { kind: "server" });

export interface RegistryOptions {
  readonly store: Store;
  /** The id of this server, another one after every start. */
  readonly self: string;
  readonly log: Log;
  /** Ends the registry. */
  readonly signal: AbortSignal;
  /** Told that the store can no longer be followed. */
  readonly failed: (error: unknown) => void;
  readonly now?: () => number;
  /** Whether the store is this server's alone: then it goes on with agents that it knows while nothing can be written. */
  readonly alone?: boolean;
}

/**
 * Who is who in the lab, and where. Names belong to keys: the first agent that claims one has it until an administrator
 * says otherwise. What is answered is in the store.
 */
export class Registry implements Disposable {
  readonly #options: RegistryOptions;
  readonly #state: LabState;
  readonly #book: AgentBook;
  readonly #now: () => number;
  readonly #here = new Presences();
  readonly #devices = new DeviceIndex();
  /** Agents on their way in: nobody is told of them before they are. */
  readonly #arriving = new Set<string>();
  readonly #overdue: Overdue;
  readonly #places: Places;
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  readonly #inTurn = inTurns();
  #health: Disposable | undefined;

  private constructor(options: RegistryOptions) {
    const { now = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#state = new LabState(options.store, (change) => this.#changed(change));
    this.#book = new AgentBook(this.#state, options.self, now);
    this.#overdue = new Overdue({
      book: this.#book,
      entrantOf: (agent) => this.#entrantOf(agent),
      inTurn: this.#inTurn,
      log: options.log,
    });
    const { self } = options;
    this.#places = new Places({ state: this.#state, here: this.#here, overdue: this.#overdue, self, now });
  }

  /** Throws what keeps the store from being read. */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options);
    await registry.#state.follow(options.signal, options.failed);
    registry.#health = options.store.onHealth(({ kind }) => {
      if (kind === "ok") {
        registry.#overdue.catchUp();
      }
    });
    return registry;
  }

  get agents(): readonly string[] {
    return Array.from(this.#state.agents.keys());
  }

  /** Every device name, sorted by its bytes. */
  get devices(): readonly string[] {
    return this.#devices.names;
  }

  /** The agents that this server reaches by itself. */
  get here(): readonly Agent[] {
    return this.#here.agents;
  }

  /** The ids of the servers that live, with where they are reached. */
  get servers(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.#state.servers, ([id, { value }]) => [id, value.address]));
  }

  /** Who owns which device, announced or not, sorted by device. */
  get owners(): readonly { readonly device: string; readonly agent: string }[] {
    return Array.from(this.#state.owners, ([device, { value }]) => ({ device, agent: value.agent })).sort((a, b) =>
      Buffer.compare(Buffer.from(a.device), Buffer.from(b.device)),
    );
  }

  /** Undefined for a device that is nobody's. */
  ownerOf(device: string): string | undefined {
    return this.#state.owners.get(device)?.value.agent;
  }

  /** The devices whose agents a server has. */
  devicesAt(server: string): readonly string[] {
    return this.agents.flatMap((name) => (this.recordOf(name)?.server === server ? this.#devices.namesOf(name) : []));
  }

  recordOf(agent: string): AgentRecord | undefined {
    return this.#state.agents.get(agent)?.value;
  }

  /** Undefined for a device that no agent has. */
  find(name: string): Device | undefined {
    return this.#devices.get(name);
  }

  /** Throws not_found for a device that no agent has. */
  deviceOf(name: string): Device {
    const found = this.find(name);
    if (found === undefined) {
      throw new DutError("not_found", `device ${quote(name)} not found`);
    }
    return found;
  }

  placeOf(name: string): Place {
    return this.#places.of(name);
  }

  /**
   * Takes an agent in, in the place of a session that it had. Resolves when that is in the store. Devices that belong to
   * others are left out and named. Throws already_exists for a name that is another key's, what the store throws, and
   * what `claimable` does.
   */
  attach(
    arrival: Arrival,
    presence: Pick<Presence, "agent" | "superseded" | "reviewed">,
    claimable: (device: string, owner: string) => Promise<boolean> = async () => false,
  ): Promise<Attached> {
    const { name } = arrival;
    return this.#inTurn(name, async () => {
      const known = this.recordOf(name);
      if (known !== undefined && known.fence > arrival.fence) {
        this.#options.log.warn("an agent shows older reservations than before: was its disk put back?", {
          agent: name,
          fence: arrival.fence,
          before: known.fence,
        });
      }
      const movable = await this.#movable(arrival, claimable);
      this.#arriving.add(name);
      let attached: Attached;
      try {
        attached = await this.#book.enter(arrival, movable);
        this.#overdue.settle(name);
      } catch (error) {
        attached = this.#asKnown(arrival, error);
        this.#overdue.miss(name);
      } finally {
        this.#arriving.delete(name);
      }
      const before = this.#here.get(name);
      this.#here.set({ ...presence, arrival, epoch: attached.epoch, refused: refusedIn(attached) });
      before?.superseded("the agent has a new session");
      this.#tell({ kind: "agent", name });
      return attached;
    });
  }

  /** Takes the devices that an attached agent has now in the place of those it had. Throws as `attach`. */
  announce(name: string, epoch: number, devices: readonly DeviceFacts[]): Promise<Attached> {
    return this.#inTurn(name, async () => {
      const presence = this.#here.get(name);
      if (presence === undefined || presence.epoch !== epoch) {
        throw new DutError("aborted", `agent ${quote(name)} has another session`);
      }
      const arrival = { ...presence.arrival, devices };
      this.#here.set({ ...presence, arrival });
      if (this.#overdue.misses(name)) {
        throw new DutError("resource_exhausted", `the session of agent ${quote(name)} is not in the store yet`);
      }
      try {
        const attached = await this.#book.correct(arrival, epoch);
        this.#here.refuse(name, epoch, refusedIn(attached));
        return attached;
      } catch (error) {
        if (error instanceof DutError && isStoreFault(error)) {
          this.#overdue.miss(name);
        }
        throw error;
      }
    });
  }

  /** An agent has shown that it is there: whoever follows it may try again. */
  heardOf(name: string): void {
    this.#tell({ kind: "agent", name });
  }

  /** A session has ended. One that was superseded has nothing to say any more. */
  detach(name: string, epoch: number, reason: string): Promise<void> {
    return this.#inTurn(name, async () => {
      if (this.#here.get(name)?.epoch !== epoch) {
        return;
      }
      this.#here.delete(name);
      const told = this.#overdue.lose(name, { since: this.#now(), reason });
      this.#tell({ kind: "agent", name });
      await told;
    });
  }

  /**
   * Gives a device name to an agent, or to whoever claims it next. Throws not_found for an agent that nobody knows, and
   * what the store throws.
   */
  transfer(device: string, to: string | undefined): Promise<void> {
    return this.#book.transfer(device, to);
  }

  /** Takes an agent's name from its key: the next one that comes with this name has it. Throws not_found. */
  release(agent: string): Promise<void> {
    return this.#book.release(agent);
  }

  /** Forgets an agent and gives up its devices. Throws not_found, and failed_precondition for one that is not offline. */
  async remove(agent: string): Promise<void> {
    if (this.#state.agents.has(agent) && this.placeOf(agent).kind !== "offline") {
      throw new DutError("failed_precondition", `agent ${quote(agent)} is not offline`, { hint: "stop it first" });
    }
    await this.#book.remove(agent);
  }

  /** Writes nothing any more: who is here goes elsewhere, or comes back to the next start of this server. */
  [Symbol.dispose](): void {
    this.#health?.[Symbol.dispose]();
    this.#here.clear();
    this.#overdue.forget();
    this.#listeners.clear();
  }

  /** Told what has changed until disposed. */
  onChange(listener: (change: RegistryChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Of the devices that others own, from whom each may be taken without an administrator: an agent may be called another name. */
  async #movable(
    { name, key, devices }: Arrival,
    claimable: (device: string, owner: string) => Promise<boolean>,
  ): Promise<ReadonlyMap<string, string>> {
    const contested = devices.flatMap(({ name: device }) => {
      const owner = this.#state.owners.get(device)?.value.agent;
      return owner === undefined || owner === name ? [] : [{ device, owner }];
    });
    const answers = await Promise.all(
      contested.map(async ({ device, owner }) => {
        const isOwn = key !== "" && this.recordOf(owner)?.key === key;
        return isOwn || (await claimable(device, owner)) ? [[device, owner] as const] : [];
      }),
    );
    return new Map(answers.flat());
  }

  #changed(change: LabChange): void {
    switch (change.kind) {
      case "agent":
        this.#agentChanged(change.name);
        break;
      case "device":
        this.#ownerChanged(change.name);
        break;
      case "server":
        if (!change.alive) {
          this.#places.died(change.name);
        }
        this.#tell(change);
        break;
    }
  }

  #agentChanged(name: string): void {
    const record = this.recordOf(name);
    this.#devices.set(name, record?.devices ?? []);
    const presence = this.#here.get(name);
    if (
      presence !== undefined &&
      record !== undefined &&
      record.epoch > presence.epoch &&
      record.server !== this.#options.self
    ) {
      this.#here.delete(name);
      presence.superseded("the agent has a session at another server");
    }
    if (!this.#arriving.has(name)) {
      this.#tell({ kind: "agent", name });
    }
  }

  /** Agents here that have announced it may have it now, or not any more. */
  #ownerChanged(device: string): void {
    const owner = this.ownerOf(device);
    for (const { arrival, epoch, refused, reviewed } of this.#here.announcing(device)) {
      const { name } = arrival;
      if (((owner ?? name) === name) === refused.has(device)) {
        this.announce(name, epoch, arrival.devices).then(reviewed, (error: unknown) => {
          this.#options.log.warn("devices not reviewed", { agent: name, err: error });
        });
      }
    }
  }

  /** A session of an agent that is known with all that it announces, when the store takes no change; throws the error else. */
  #asKnown({ name, key, devices }: Arrival, error: unknown): Attached {
    const known = this.recordOf(name);
    const isKnown =
      known?.key === key && devices.every((device) => known.devices.some((before) => before.name === device.name));
    const isFull = error instanceof DutError && error.code === "resource_exhausted";
    if (this.#options.alone !== true || !isKnown || !isFull) {
      throw error;
    }
    this.#options.log.warn("a known agent attached, which is not in the store", { agent: name, err: error.message });
    return { epoch: Math.max(known.epoch, this.#here.get(name)?.epoch ?? 0) + 1, refused: [] };
  }

  #entrantOf(agent: string): Entrant | undefined {
    const presence = this.#here.get(agent);
    return (
      presence && {
        arrival: presence.arrival,
        epoch: presence.epoch,
        entered: (attached) => {
          this.#here.refuse(agent, presence.epoch, refusedIn(attached));
          presence.reviewed(attached);
        },
      }
    );
  }

  #tell(change: RegistryChange): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }
}

function refusedIn({ refused }: Attached): ReadonlySet<string> {
  return new Set(refused.map(({ name }) => name));
}

/** Whether it is the store that did not take a change, and not the change that is wrong. */
function isStoreFault({ code }: DutError): boolean {
  return code === "resource_exhausted" || code === "unavailable" || code === "deadline_exceeded";
}

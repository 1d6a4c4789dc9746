import { DutError, type DutErrorCode, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { inTurns } from "#pkg/lock/turns.ts";
import type { Log } from "#pkg/log/log.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { refuseUnfitName } from "#pkg/protocol/names.ts";
import type { Agent } from "../agents/callee.ts";
import { registeredAgent } from "../agents/registered-agent.ts";
import type { Arrival } from "../registry/agent-book.ts";
import type { Registry } from "../registry/registry.ts";
import { mostDevices } from "../sessions/announcement.ts";
import { type RegistrationPolicy, registeredTarget } from "./registration-policy.ts";

/** How long an agent may take to show that it still has a device that another one claims, in milliseconds. */
const provenAliveMs = 2_000;

/** What a call fails with when there is no agent that has devices; whatever else it fails with says nothing of that. */
const absences: ReadonlySet<DutErrorCode> = new Set(["unavailable", "deadline_exceeded", "unimplemented", "not_found"]);

export interface RegistrationsOptions {
  readonly registry: Registry;
  readonly policy: RegistrationPolicy;
  readonly log: Log;
}

/**
 * Agents that register an address, as those of dutctl.v1 do, and are dialled. They have no key, so a device of theirs
 * stays with them only as long as they answer for it. Disposing drops the connections to them.
 */
export class AddressRegistrations implements Disposable {
  readonly #options: RegistrationsOptions;
  readonly #agents = new Map<string, Agent & Disposable>();
  readonly #changes: Disposable;
  /** Of an agent: whoever dials it or drops its connection knows what becomes of it. */
  readonly #inTurn = inTurns();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
    this.#changes = options.registry.onChange((change) => {
      if (change.kind === "server") {
        this.#adoptAll();
      } else {
        this.#leaveWithoutDevices(change.name);
      }
    });
    this.#adoptAll();
  }

  /** Takes a registration. Throws invalid_argument, permission_denied, already_exists, and what the store throws. */
  async register(devices: readonly string[], address: string, source: string | undefined): Promise<void> {
    refuseIncomplete(devices, address);
    const { registry, policy, log } = this.#options;
    const target = await registeredTarget(parseAddress(address), source, policy);
    const name = formatAddress(target);
    const place = registry.placeOf(name);
    const known = registry.recordOf(name)?.devices.map((device) => device.name) ?? [];
    if (place.kind === "here" && new Set(known).symmetricDifference(new Set(devices)).size === 0) {
      log.debug("agent registered", { agent: name, devices });
      registry.heardOf(name);
      return;
    }
    for (const device of devices) {
      await this.#refuseTaken(device, name, address);
    }
    const facts = devices.map((device) => ({ name: device, description: "", labels: {} }));
    const arrival = { name, key: "", address: name, version: "", bootId: "", fence: 0, devices: facts };
    await this.#inTurn(name, () => this.#attach(arrival));
    log.info("agent registered", { agent: name, devices });
  }

  /**
   * Whether a device may be taken from its owner: from an agent without a key that does not answer for it, and from no
   * other. Throws what keeps that from being known.
   */
  readonly claimable = async (device: string, owner: string): Promise<boolean> => {
    const { registry } = this.#options;
    if ((registry.recordOf(owner)?.address ?? "") === "") {
      return false;
    }
    const place = registry.placeOf(owner);
    return place.kind === "offline" || (place.kind === "here" && !(await stillHas(place.agent, device)));
  };

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
    for (const agent of this.#agents.values()) {
      agent[Symbol.dispose]();
    }
    this.#agents.clear();
  }

  async #refuseTaken(device: string, name: string, address: string): Promise<void> {
    const owner = this.#options.registry.ownerOf(device);
    if (owner !== undefined && owner !== name && !(await this.claimable(device, owner))) {
      throw new DutError(
        "already_exists",
        `adding agent ${quote(address)}: device ${quote(device)} already registered`,
      );
    }
  }

  /** In the agent's turn. */
  async #attach(arrival: Arrival): Promise<void> {
    const { name } = arrival;
    const agent = this.#agents.get(name) ?? registeredAgent(name, parseAddress(name));
    this.#agents.set(name, agent);
    const presence = { agent, superseded: () => this.#left(name), reviewed: () => {} };
    try {
      await this.#options.registry.attach(arrival, presence, this.claimable);
    } finally {
      this.#dropUnlessHere(name);
    }
  }

  /** Another server that dials the agent now does it alone. */
  #left(name: string): void {
    void this.#inTurn(name, async () => this.#dropUnlessHere(name));
  }

  #dropUnlessHere(name: string): void {
    if (this.#options.registry.placeOf(name).kind !== "here") {
      this.#agents.get(name)?.[Symbol.dispose]();
      this.#agents.delete(name);
    }
  }

  /** An agent whose devices are all others' now is called no more, until it registers again. */
  #leaveWithoutDevices(name: string): void {
    const { registry, log } = this.#options;
    const record = registry.recordOf(name);
    if (this.#agents.has(name) && record?.devices.length === 0 && registry.placeOf(name).kind === "here") {
      registry.detach(name, record.epoch, "all its devices belong to others").then(
        () => this.#left(name),
        (error: unknown) => log.warn("agent without devices not left", { agent: name, err: messageOf(error) }),
      );
    }
  }

  /** Dials the agents that no living server has: those of this server before it was started anew, and of one that is gone. */
  #adoptAll(): void {
    const { registry, log } = this.#options;
    for (const name of registry.agents) {
      this.#inTurn(name, () => this.#adopt(name)).catch((error: unknown) =>
        log.warn("agent not adopted", { agent: name, err: messageOf(error) }),
      );
    }
  }

  async #adopt(name: string): Promise<void> {
    const { registry, log } = this.#options;
    const record = registry.recordOf(name);
    const isDialled = record !== undefined && record.address !== "" && record.devices.length > 0;
    if (isDialled && registry.placeOf(name).kind === "offline") {
      await this.#attach({ ...record, name });
      log.info("agent adopted", { agent: name });
    }
  }
}

function refuseIncomplete(devices: readonly string[], address: string): void {
  if (address === "") {
    throw new DutError("invalid_argument", "agent address is not set");
  }
  if (devices.length === 0) {
    throw new DutError("invalid_argument", "empty device list");
  }
  const nameless = devices.indexOf("");
  if (nameless >= 0) {
    throw new DutError("invalid_argument", `device ${nameless + 1} has empty name`);
  }
  if (devices.length > mostDevices) {
    throw new DutError("resource_exhausted", `${devices.length} devices are more than the ${mostDevices} of an agent`);
  }
  for (const device of devices) {
    refuseUnfitName("device", device);
  }
}

/** Throws what keeps the answer from being known. */
async function stillHas({ clients }: Agent, device: string): Promise<boolean> {
  try {
    const { devices } = await clients.devices.list({}, { timeoutMs: provenAliveMs });
    return devices.some(({ name }) => name === device);
  } catch (error) {
    if (error instanceof DutError && absences.has(error.code)) {
      return false;
    }
    throw error;
  }
}

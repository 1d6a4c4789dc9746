import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { refuseUnfitName } from "#pkg/protocol/names.ts";
import type { Agent } from "../agents/callee.ts";
import { registeredAgent } from "../agents/registered-agent.ts";
import type { Registry } from "../registry/registry.ts";
import { mostDevices } from "../sessions/announcement.ts";
import { type RegistrationPolicy, registeredTarget } from "./registration-policy.ts";

/** How long an agent may take to show that it still has a device that another one claims, in milliseconds. */
const provenAliveMs = 2_000;

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

  constructor(options: RegistrationsOptions) {
    this.#options = options;
    this.#changes = options.registry.onChange((change) => {
      if (change.kind === "server") {
        this.#adoptAll();
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
    const agent = place.kind === "here" ? place.agent : this.#dial(name);
    await registry.attach(arrival, this.#presence(agent), (device, owner) => this.claimable(device, owner));
    log.info("agent registered", { agent: name, devices });
  }

  /**
   * Whether a device may be taken from its owner: from an agent without a key that does not answer for it, and from no
   * other.
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

  #dial(name: string): Agent {
    this.#agents.get(name)?.[Symbol.dispose]();
    const agent = registeredAgent(name, parseAddress(name));
    this.#agents.set(name, agent);
    return agent;
  }

  /** Another server that dials the agent now does it alone. */
  #presence(agent: Agent) {
    return {
      agent,
      superseded: () => {
        if (this.#options.registry.placeOf(agent.name).kind !== "here") {
          this.#agents.get(agent.name)?.[Symbol.dispose]();
          this.#agents.delete(agent.name);
        }
      },
      reviewed: () => {},
    };
  }

  /** Dials the agents that no living server has: those of this server before it was started anew, and of one that is gone. */
  #adoptAll(): void {
    const { registry, log } = this.#options;
    for (const name of registry.agents) {
      const record = registry.recordOf(name);
      if (record !== undefined && record.address !== "" && registry.placeOf(name).kind === "offline") {
        const arrival = { ...record, name };
        registry.attach(arrival, this.#presence(this.#dial(name))).then(
          () => log.info("agent adopted", { agent: name }),
          (error: unknown) => log.warn("agent not adopted", { agent: name, err: messageOf(error) }),
        );
      }
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

async function stillHas({ clients }: Agent, device: string): Promise<boolean> {
  try {
    const { devices } = await clients.devices.list({}, { timeoutMs: provenAliveMs });
    return devices.some(({ name }) => name === device);
  } catch {
    // Whatever went wrong, the agent did not answer for the device.
    return false;
  }
}

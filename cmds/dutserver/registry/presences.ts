import type { Agent } from "../agents/callee.ts";
import type { Arrival, Attached } from "./agent-book.ts";

/** An agent's presence at this server. */
export interface Presence {
  readonly agent: Agent;
  readonly epoch: number;
  /** Everything that it announced last, also what belongs to others. */
  readonly arrival: Arrival;
  /** What of it was refused last. */
  readonly refused: ReadonlySet<string>;
  /** Told that another session has taken its place. */
  readonly superseded: (reason: string) => void;
  /** Told that names have changed hands. */
  readonly reviewed: (attached: Attached) => void;
}

/** The agents at this server, by their names and by what they have announced: of thousands, a device concerns one or two. */
export class Presences {
  readonly #byName = new Map<string, Presence>();
  readonly #announcing = new Map<string, Set<string>>();

  get agents(): readonly Agent[] {
    return Array.from(this.#byName.values(), ({ agent }) => agent);
  }

  get(name: string): Presence | undefined {
    return this.#byName.get(name);
  }

  /** Those that have announced a device, whoever owns it. */
  announcing(device: string): readonly Presence[] {
    return Array.from(this.#announcing.get(device) ?? []).flatMap((name) => this.#byName.get(name) ?? []);
  }

  /** Takes the place of what was known of the agent. */
  set(presence: Presence): void {
    const { name, devices } = presence.arrival;
    this.delete(name);
    this.#byName.set(name, presence);
    for (const device of devices) {
      const announcing = this.#announcing.get(device.name);
      if (announcing === undefined) {
        this.#announcing.set(device.name, new Set([name]));
      } else {
        announcing.add(name);
      }
    }
  }

  /** What was refused of the announcement of a session that is still this one. */
  refuse(name: string, epoch: number, refused: ReadonlySet<string>): void {
    const presence = this.#byName.get(name);
    if (presence?.epoch === epoch) {
      this.#byName.set(name, { ...presence, refused });
    }
  }

  delete(name: string): void {
    for (const device of this.#byName.get(name)?.arrival.devices ?? []) {
      const announcing = this.#announcing.get(device.name);
      announcing?.delete(name);
      if (announcing?.size === 0) {
        this.#announcing.delete(device.name);
      }
    }
    this.#byName.delete(name);
  }

  clear(): void {
    this.#byName.clear();
    this.#announcing.clear();
  }
}

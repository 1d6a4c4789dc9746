import type { Host } from "#pkg/host/host.ts";

interface Shared<Plan, Thing> {
  readonly plan: Plan;
  readonly thing: Promise<Thing>;
  users: number;
}

/** A thing for one of its users. Disposing gives it back; the last one closes it. */
export interface Use<Thing> extends AsyncDisposable {
  readonly thing: Thing;
}

/**
 * Things that several entries of a configuration use together, by name: opened for the first user, closed after the last.
 * They belong to the computer that they are on, so that two agents in one process do not meet.
 */
export class SharedHardware<Plan, Thing extends AsyncDisposable> {
  readonly #of = new WeakMap<Host, Map<string, Shared<Plan, Thing>>>();

  /** Throws what `refuse` has against the plan of the first user, and what `open` throws; all who wait for that hear of it. */
  async use(
    host: Host,
    name: string,
    plan: Plan,
    { open, refuse }: { open(): Promise<Thing>; refuse(first: Plan): void },
  ): Promise<Use<Thing>> {
    const things = this.#of.get(host) ?? new Map<string, Shared<Plan, Thing>>();
    this.#of.set(host, things);
    const shared = things.get(name) ?? { plan, thing: open(), users: 0 };
    things.set(name, shared);
    refuse(shared.plan);
    shared.users++;
    let use: "held" | "given back" = "held";
    const giveBack = async () => {
      if (use === "held") {
        use = "given back";
        shared.users--;
        if (shared.users === 0) {
          things.delete(name);
          await (await shared.thing)[Symbol.asyncDispose]();
        }
      }
    };
    try {
      return { thing: await shared.thing, [Symbol.asyncDispose]: giveBack };
    } catch (error) {
      if (things.get(name) === shared) {
        things.delete(name);
      }
      throw error;
    }
  }
}

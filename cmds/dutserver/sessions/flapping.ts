import type { Log } from "#pkg/log/log.ts";

/** An agent that has had so many sessions within this time flaps. */
const sessionsOfFlapping = 5;
const withinMs = 60_000;
/** The log has it at most so often, in milliseconds. */
const logEveryMs = 1_000;

interface Arrivals {
  /** The latest, at most as many as make an agent flap. */
  readonly times: readonly number[];
  readonly loggedAt: number;
}

/** Tells agents that come and go all the time from those that were lost once. */
export class Flapping {
  /** Who came last stands last; who has not come for the time is forgotten. */
  readonly #arrivals = new Map<string, Arrivals>();
  readonly #now: () => number;

  /** `now` gives milliseconds and only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts a session of an agent, and logs it when the agent flaps. */
  came(agent: string, log: Log): void {
    const now = this.#now();
    const { times, loggedAt } = this.#arrivals.get(agent) ?? { times: [], loggedAt: Number.NEGATIVE_INFINITY };
    const latest = [...times, now].slice(-sessionsOfFlapping);
    const isLogged = flaps(latest, now) && now - loggedAt >= logEveryMs;
    this.#arrivals.delete(agent);
    this.#arrivals.set(agent, { times: latest, loggedAt: isLogged ? now : loggedAt });
    if (isLogged) {
      log.warn("agent flapping", { agent, sessions: sessionsOfFlapping, "within-s": withinMs / 1000 });
    }
    for (const [other, { times }] of this.#arrivals) {
      if (now - (times.at(-1) ?? 0) <= withinMs) {
        break;
      }
      this.#arrivals.delete(other);
    }
  }

  /** The reason why an agent is away, with the fact that it flaps. */
  explained(agent: string, reason: string): string {
    const { times } = this.#arrivals.get(agent) ?? { times: [] };
    return flaps(times, this.#now())
      ? `${reason} (flapping: ${sessionsOfFlapping} sessions or more within ${withinMs / 1000} s)`
      : reason;
  }
}

function flaps(times: readonly number[], now: number): boolean {
  return times.length === sessionsOfFlapping && now - (times[0] ?? 0) <= withinMs;
}

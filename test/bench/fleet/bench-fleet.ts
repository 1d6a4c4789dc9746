import { setPriority } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { type AgentFleet, openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import type { Lab } from "#test/support/lab.ts";

/** So many agents keep one core busy with no more than what they do while they come. */
const agentsPerProcess = 1_250;
/** Of the agents' processes: in a lab they have computers of their own, here the server and its clients go first. */
const niceness = 10;
/** What they get to come, in milliseconds. */
const patienceMs = 300_000;

export interface BenchFleetOptions {
  /** `host:port`. */
  readonly server: string;
  readonly agents: number;
  readonly devices: number;
  /** See FleetOptions. */
  readonly authority?: string;
}

/** Agents with devices, in as many processes as they need. They go with the lab. */
export class BenchFleet {
  readonly #processes: readonly AgentFleet[];
  readonly #agents: number;
  readonly #each: number;
  /** Where the events of each process begin that are looked at. */
  #marks: readonly number[];
  /** Names of all devices. */
  readonly devices: readonly string[];

  private constructor(processes: readonly AgentFleet[], agents: number, devices: readonly string[]) {
    this.#processes = processes;
    this.#agents = agents;
    this.#each = agents / processes.length;
    this.#marks = processes.map(() => 0);
    this.devices = devices;
  }

  /** Resolves when the agents are made. They are at no server before they are told to start. */
  static async open(lab: Lab, { server, agents, devices, ...rest }: BenchFleetOptions): Promise<BenchFleet> {
    const count = Math.ceil(agents / agentsPerProcess);
    const each = agents / count;
    const names = Array.from({ length: count }, (_, index) => `fleet${index}`);
    const processes = await Promise.all(
      names.map((own) => openAgentFleet(lab, { servers: server, agents: each, devices, name: own, ...rest })),
    );
    for (const { process } of processes) {
      setPriority(process.pid ?? 0, niceness);
    }
    const all = names.flatMap((own) =>
      Array.from({ length: each * devices }, (_, index) => `${own}-${Math.floor(index / devices)}-${index % devices}`),
    );
    return new BenchFleet(processes, agents, all);
  }

  start(): void {
    for (const process of this.#processes) {
      process.tell("start");
    }
  }

  /** What has happened until now is not looked at any more. */
  forget(): void {
    this.#marks = this.#processes.map(({ events }) => events.length);
  }

  /**
   * Resolves when all are at the server, with the Unix time of the last one's coming in milliseconds. Rejects when that
   * takes longer than any machine should need.
   */
  async attached(): Promise<number> {
    const times = this.#processes.map((process, index) => process.had("attached", this.#each, this.#marks[index]));
    const over = new AbortController();
    const late = wait(patienceMs, undefined, { signal: over.signal }).then(() => {
      throw new Error(`not all of ${this.#agents} agents are at the server within ${patienceMs / 1000} s`);
    });
    late.catch(() => {});
    try {
      return Math.max(...(await Promise.race([Promise.all(times), late])));
    } finally {
      over.abort();
    }
  }

  /**
   * The largest share of the agents that tried to be at the server within one second, the first attempt of each not
   * counted: that comes at once, since another server may be there.
   */
  busiestSecond(): number {
    const attempts = this.#processes
      .flatMap(({ events }, index) => againIn(events.slice(this.#marks[index])))
      .toSorted((a, b) => a - b);
    let most = 0;
    let first = 0;
    for (const [index, at] of attempts.entries()) {
      while (at - (attempts[first] as number) >= 1_000) {
        first += 1;
      }
      most = Math.max(most, index - first + 1);
    }
    return most / this.#agents;
  }
}

/** When agents tried, but for the first time of each. */
function againIn(events: AgentFleet["events"]): readonly number[] {
  const tried = new Set<number | undefined>();
  return events.flatMap(({ event, agent, at }) => {
    if (event !== "dials") {
      return [];
    }
    const isFirst = !tried.has(agent);
    tried.add(agent);
    return isFirst ? [] : [at];
  });
}

import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Child } from "../child.ts";
import type { Lab } from "../lab.ts";

/** What happened to an agent of a fleet, in the words of `test/programs/agent-fleet.ts`. */
export interface FleetEvent {
  /** In Unix time of milliseconds. */
  readonly at: number;
  readonly event: string;
  /** Undefined for what concerns all of them. */
  readonly agent?: number;
  readonly err?: string;
}

export interface FleetOptions {
  /** `host:port[,host:port]`. */
  readonly servers: string;
  readonly agents: number;
  /** Of each agent. */
  readonly devices: number;
  /** What names of agents and devices begin with. Default "fleet". */
  readonly name?: string;
  /** The directory of an authority of a lab: the agents speak TLS, each with a certificate of its own. Default none. */
  readonly authority?: string;
}

/** Many agents in a process of their own, which goes with the lab. */
export interface AgentFleet {
  readonly process: Child["process"];
  readonly events: readonly FleetEvent[];
  /** A command to so many agents from the one of that number on; all of them by default. */
  tell(command: "start" | "kill" | "stop", first?: number, count?: number): void;
  /** Resolves with the time of the last event when so many agents have had this event since an index of `events`. */
  had(event: string, agents: number, since?: number): Promise<number>;
}

/** Resolves when the agents are made. They are at no server before they are told to start. */
export async function openAgentFleet(lab: Lab, options: FleetOptions): Promise<AgentFleet> {
  const { servers, agents, devices, name = "fleet", authority } = options;
  const program = fileURLToPath(import.meta.resolve("#test/programs/agent-fleet.ts"));
  const words = [servers, lab.path("fleet-state"), `${agents}`, `${devices}`, name];
  const secured = authority === undefined ? [] : [authority];
  const child = lab.startWords([process.execPath, program, ...words, ...secured]);
  const events: FleetEvent[] = [];
  const news = new EventEmitter<{ event: []; error: [unknown] }>().setMaxListeners(0);
  createInterface(child.process.stdout).on("line", (line) => {
    events.push(JSON.parse(line));
    news.emit("event");
  });
  void child.ended.then(({ stderr }) => {
    news.emit("error", new Error(`the fleet has ended: ${stderr}`));
  });
  news.on("error", () => {});
  while (events.length === 0) {
    await once(news, "event");
  }
  return {
    process: child.process,
    events,
    tell: (command, first = 0, count = agents) => void child.process.stdin.write(`${command} ${first} ${count}\n`),
    async had(event, wanted, since = 0) {
      const having = new Set<number | undefined>();
      for (let next = since; ; await once(news, "event")) {
        for (; next < events.length; next++) {
          const one = events[next] as FleetEvent;
          if (one.event === event && having.add(one.agent).size === wanted) {
            return one.at;
          }
        }
      }
    },
  };
}

/**
 * agent-fleet.ts SERVERS STATE AGENTS DEVICES [NAME]: many agents in one process, each with its own key, devices, locks and
 * link to one of the servers `host:port[,host:port]`. They are called NAME-0, NAME-1 and so on ("fleet" unless it is given), their
 * devices NAME-0-0, NAME-0-1 and so on. The command `ticks COUNT MILLISECONDS` of every device says "tick N" so often, the
 * command `repeat` what it hears.
 * STATE keeps their keys, so that they are the same agents in the next process.
 *
 * Each line of stdout is JSON and says what happened: `at` in Unix time of milliseconds, to `agent` by its number, and
 * `event`: "open" when all are made (without a number), "dials" for each attempt to be at a server, else what a line of the
 * agent's log says ("attached", "server lost" ...), with its fields.
 *
 * Each line of stdin is a command: `start FIRST COUNT` makes agents come, `kill FIRST COUNT` drops them without a word,
 * `stop FIRST COUNT` lets them say goodbye. The end of stdin ends the process.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Log, LogFields } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { MemoryAgent } from "#test/support/fleet/memory-agent.ts";

const [servers = "", state = "", agentCount = "", deviceCount = "", name = "fleet"] = process.argv.slice(2);

function tell(event: string, fields: LogFields = {}): void {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), event, ...fields })}\n`);
}

function telling(bound: LogFields): Log {
  const say = (message: string, fields?: LogFields) => tell(message, { ...bound, ...fields });
  return { error: say, warn: say, info: say, debug: say, with: (fields) => telling({ ...bound, ...fields }) };
}

async function openAgent(number: number): Promise<MemoryAgent> {
  const directory = join(state, `${name}-${number}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return MemoryAgent.open({
    name: `${name}-${number}`,
    devices: Array.from({ length: Number(deviceCount) }, (_, index) => `${name}-${number}-${index}`),
    directory,
    servers: servers.split(",").map(parseAddress),
    tls: undefined,
    log: telling({ agent: number }),
    dials: () => tell("dials", { agent: number }),
  });
}

const agents: MemoryAgent[] = [];
for (let number = 0; number < Number(agentCount); number++) {
  agents.push(await openAgent(number));
}
tell("open");
for await (const line of createInterface(process.stdin)) {
  const [verb = "", first = "0", count = agents.length] = line.split(" ");
  const meant = agents.slice(Number(first), Number(first) + Number(count));
  switch (verb) {
    case "start":
      for (const agent of meant) {
        agent.start();
      }
      break;
    case "kill":
      await Promise.all(meant.map((agent) => agent.kill()));
      break;
    case "stop":
      await Promise.all(meant.map((agent) => agent.stop()));
      break;
    default:
      throw new Error(`no command ${JSON.stringify(line)}`);
  }
}
process.exit(0);

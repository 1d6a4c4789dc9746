/**
 * agent-fleet.ts SERVERS STATE AGENTS DEVICES NAME [AUTHORITY]: many agents in one process, each with its own key, devices, locks and
 * link to one of the servers `host:port[,host:port]`. They are called NAME-0, NAME-1 and so on, their
 * devices NAME-0-0, NAME-0-1 and so on. The command `ticks COUNT MILLISECONDS` of every device says "tick N" so often, the
 * command `repeat` what it hears.
 * STATE keeps their keys, so that they are the same agents in the next process. AUTHORITY is a directory of `dutserver init`:
 * they speak TLS, and each has a certificate of its own.
 *
 * Each line of stdout is JSON and says what happened: `at` in Unix time of milliseconds, to `agent` by its number, and
 * `event`: "open" when all are made (without a number), "dials" for each attempt to be at a server, else what a line of the
 * agent's log says ("attached", "server lost" ...), with its fields.
 *
 * Each line of stdin is a command: `start FIRST COUNT` makes agents come, `kill FIRST COUNT` drops them without a word,
 * `stop FIRST COUNT` lets them say goodbye. The end of stdin ends the process.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { authorityFiles } from "#pkg/auth/authority/authority-files.ts";
import { type Credentials, issue } from "#pkg/auth/authority/issue.ts";
import type { Log, LogFields } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import { MemoryAgent } from "#test/support/fleet/memory-agent.ts";

const [servers = "", state = "", agentCount = "", deviceCount = "", name = "", directory] = process.argv.slice(2);

function tell(event: string, fields: LogFields = {}): void {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), event, ...fields })}\n`);
}

function telling(bound: LogFields): Log {
  const say = (message: string, fields?: LogFields) => tell(message, { ...bound, ...fields });
  return { error: say, warn: say, info: say, debug: say, with: (fields) => telling({ ...bound, ...fields }) };
}

function readAuthority(directory: string): Credentials {
  const { cert, key } = authorityFiles(directory);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

const authority = directory === undefined ? undefined : readAuthority(directory);

async function tlsOf(name: string): Promise<ClientTls | undefined> {
  return (
    authority && {
      ca: authority.cert,
      own: await issue(authority, { role: "agent", name, hosts: [], days: 1, key: undefined }),
    }
  );
}

async function openAgent(number: number): Promise<MemoryAgent> {
  const directory = join(state, `${name}-${number}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return MemoryAgent.open({
    name: `${name}-${number}`,
    devices: Array.from({ length: Number(deviceCount) }, (_, index) => `${name}-${number}-${index}`),
    directory,
    servers: servers.split(",").map(parseAddress),
    tls: await tlsOf(`${name}-${number}`),
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

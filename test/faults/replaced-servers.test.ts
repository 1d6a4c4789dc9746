import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { MemoryAgent } from "#test/support/fleet/memory-agent.ts";
import { type Daemon, Lab } from "#test/support/lab.ts";
import { logged } from "#test/support/log-records.ts";
import { rounds } from "#test/support/rounds.ts";
import { openTcpProxy } from "#test/support/tcp-proxy.ts";

const replacements = rounds(10, 300);
const callers = 4;

interface Generation {
  readonly server: Daemon;
  readonly agent: MemoryAgent;
}

/** A server with an agent of its own that has the device "board". */
async function startGeneration(lab: Lab, number: number): Promise<Generation> {
  const server = await lab.server();
  const directory = lab.path(`keys-${number}`);
  await mkdir(directory, { mode: 0o700 });
  const agent = await MemoryAgent.open({
    ...{ name: "bench", devices: ["board"], directory, servers: [parseAddress(server.address)] },
    ...{ tls: undefined, log: silentLog, dials: () => {} },
  });
  agent.start();
  await logged(server, { msg: "agent attached" });
  return { server, agent };
}

/** Everything that a client may ask without changing anything. */
function questions({ devices, lab, runs }: Connection): readonly (() => Promise<unknown>)[] {
  return [
    () => devices.list({}),
    () => devices.commands({ device: "board" }),
    () => devices.details({ device: "board", command: "ticks", keyword: "help" }),
    () => lab.list({}),
    () => lab.describe({ device: "board" }),
    () => runs.listRuns({}),
  ];
}

test(`no call that only asks fails while the server behind an address is replaced ${replacements} times`, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using agents = new AsyncDisposableStack();
  let current = await startGeneration(lab, 0);
  agents.defer(() => current.agent.kill());
  await using address = await openTcpProxy(current.server.address);
  const over = new AbortController();
  const failures: string[] = [];
  let answers = 0;
  const caller = async () => {
    using client = connectTo(parseAddress(address.address), { identity: undefined });
    for (const asked = questions(client); !over.signal.aborted; ) {
      for (const ask of asked) {
        await ask().then(
          () => {
            answers += 1;
          },
          (error: unknown) => failures.push(`${ask}: ${error}`),
        );
      }
    }
  };
  const calling = Promise.all(Array.from({ length: callers }, caller));
  for (let number = 1; number <= replacements; number++) {
    const before = current;
    current = await startGeneration(lab, number);
    address.lead(current.server.address);
    const { code, stderr } = await before.server.stop();
    await before.agent.kill();
    assert.equal(code, 0, stderr);
  }
  over.abort();
  await calling;
  t.diagnostic(`${answers} answers over ${address.connections} connections`);
  assert.deepEqual(failures, []);
});

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { MemoryAgent } from "#test/support/fleet/memory-agent.ts";
import { Lab } from "#test/support/lab.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";
import { dialIn, verdictOf } from "../../cmds/dutserver/test/dialling-agent.ts";
import { type Belief, quarrel, settle, users } from "./quarrel.ts";

const deaths = rounds(10, 100);
const newcomers = 8;
const boards = Array.from({ length: 8 }, (_, index) => `board${index}`);

/** An agent that survives the servers, and is back at the next one without delay. */
async function startKeeper(lab: Lab, address: string): Promise<MemoryAgent> {
  const directory = lab.path("keeper");
  await mkdir(directory, { mode: 0o700 });
  const keeper = await MemoryAgent.open({
    ...{ name: "keeper", devices: boards, directory, servers: [parseAddress(address)] },
    ...{ tls: undefined, log: silentLog, dials: () => {}, delay: () => 50 },
  });
  keeper.start();
  return keeper;
}

/** Resolves when a server knows who has a device. */
async function untilThere({ address }: { readonly address: string }, board: string): Promise<void> {
  using client = connectTo(parseAddress(address), { identity: undefined });
  for await (const { event } of client.lab.watch({})) {
    const devices = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    if (devices.some(({ name, state }) => name === board && state !== DeviceState.OFFLINE)) {
      return;
    }
  }
}

/** Agents that nobody has seen before come with a device each and go, one after another, until no server answers. */
async function register(address: string, name: string, accepted: (device: string) => void): Promise<void> {
  for (let number = 0; ; number++) {
    const device = `${name}-${number}`;
    try {
      using agent = await dialIn(address, { name: device, devices: [device] });
      const heard = await agent.next();
      if (heard.case === undefined) {
        return;
      }
      assert.deepEqual([heard.case, verdictOf(heard).$typeName], ["accepted", "dutlab.v1.Accepted"]);
    } catch (error) {
      if (error instanceof DutError && error.code === "unavailable") {
        return;
      }
      throw error;
    }
    accepted(device);
  }
}

/** Throws unless the server knows all of the devices, and gives none of them to a stranger of a name that is new. */
async function checkOwned(
  { address }: { readonly address: string },
  devices: readonly string[],
  stranger: string,
): Promise<void> {
  using client = connectTo(parseAddress(address), { identity: undefined });
  const known = new Set((await client.lab.list({})).devices.map(({ name }) => name));
  assert.deepEqual(
    devices.filter((device) => !known.has(device)),
    [],
  );
  const coveted = devices.slice(-20);
  using rogue = await dialIn(address, { name: stranger, devices: coveted });
  const verdict = verdictOf(await rogue.next());
  const refused = "refused" in verdict ? verdict.refused.map(({ name }) => name).toSorted() : verdict;
  assert.deepEqual(refused, coveted.toSorted());
}

test(`nothing that was acknowledged is lost by ${deaths} servers that are killed while agents register and locks come and go`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = ["-state", lab.path("kept")];
  let server = await lab.server(...state);
  const { address } = server;
  await using _ = await startKeeper(lab, address);
  const random = pseudoRandom(11);
  const beliefs = new Map<string, Belief>(boards.map((name) => [name, { known: "nobody", asked: undefined }]));
  const registered: string[] = [];
  let answers = 0;
  for (let round = 0; round <= deaths; round++) {
    await untilThere(server, boards.at(-1) ?? "");
    await settle(beliefs, server);
    await checkOwned(server, registered, `rogue-${round}`);
    if (round === deaths) {
      break;
    }
    using clients = new DisposableStack();
    const byUser = new Map(
      users.map((user) => [user, clients.use(connectTo(parseAddress(address), { identity: user }))]),
    );
    let untilDeath = 1 + Math.floor(random() * 200);
    const acknowledged = () => {
      answers += 1;
      untilDeath -= 1;
      if (untilDeath === 0) {
        server.kill("SIGKILL");
      }
    };
    await Promise.all([
      ...Array.from(beliefs, ([name, belief]) => quarrel(name, belief, byUser, { random, acknowledged })),
      ...Array.from({ length: newcomers }, (_, index) =>
        register(address, `new-${round}-${index}`, (device) => {
          registered.push(device);
          acknowledged();
        }),
      ),
    ]);
    await server.ended;
    server = await lab.server(...state, "-s", address);
  }
  t.diagnostic(`${answers} answers, ${registered.length} of them to agents that registered`);
  assert.ok(answers >= deaths && registered.length >= deaths);
});

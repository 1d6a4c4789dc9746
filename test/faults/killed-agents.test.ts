import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";

const deaths = rounds(50, 100);
const names = Array.from({ length: 8 }, (_, index) => `board${index}`);
const users = ["alice@h", "bob@h"];

/** Who has a device: what was acknowledged last, or after that what was asked for when the agent died. */
interface Belief {
  known: string;
  asked: string | undefined;
}

/** Locks and unlocks one device for either user until the agent is gone; every answer must fit what was known before. */
async function quarrel(
  name: string,
  belief: Belief,
  clients: ReadonlyMap<string, Connection>,
  { random, acknowledged }: { random: () => number; acknowledged: () => void },
): Promise<void> {
  for (;;) {
    const user = users[Math.floor(random() * users.length)] ?? "";
    const wants = random() < 0.5 ? "lock" : "unlock";
    const { lab } = clients.get(user) as Connection;
    belief.asked = wants === "lock" ? user : "nobody";
    const answer = await (wants === "lock" ? lab.lock({ device: name }) : lab.unlock({ device: name })).then(
      () => "granted",
      (error: unknown) => (error instanceof DutError ? error.code : String(error)),
    );
    if (answer === "unavailable" || answer === "canceled") {
      return;
    }
    const granted = wants === "lock" ? ["nobody", user].includes(belief.known) : belief.known === user;
    assert.equal(answer === "granted", granted, `${user} ${wants} ${name} of ${belief.known}: ${answer}`);
    belief.known = granted ? belief.asked : belief.known;
    belief.asked = undefined;
    acknowledged();
  }
}

async function owners({ address }: Daemon): Promise<ReadonlyMap<string, string>> {
  using client = connectTo(parseAddress(address), { identity: undefined });
  const { devices } = await client.lab.list({});
  return new Map(devices.map(({ name, lock }) => [name, lock?.owner ?? "nobody"]));
}

test(`no lock is lost or doubled in ${deaths} agents that are killed while locks come and go`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const board = { cmds: { sh: shellCommand } };
  const config = await lab.configuration(Object.fromEntries(names.map((name) => [name, board])));
  const start = () => lab.agent(config, "-state", lab.path("kept"));
  const random = pseudoRandom(7);
  const beliefs = new Map<string, Belief>(names.map((name) => [name, { known: "nobody", asked: undefined }]));
  let answers = 0;
  for (let round = 0; round < deaths; round += 1) {
    const agent = await start();
    const found = await owners(agent);
    for (const [name, belief] of beliefs) {
      const owner = found.get(name) ?? "";
      assert.ok(
        [belief.known, belief.asked].includes(owner),
        `round ${round}: ${name} is ${owner}'s and should be ${belief.known}'s, or ${belief.asked}'s`,
      );
      beliefs.set(name, { known: owner, asked: undefined });
    }
    using clients = new DisposableStack();
    const byUser = new Map(
      users.map((user) => [user, clients.use(connectTo(parseAddress(agent.address), { identity: user }))]),
    );
    let untilDeath = 1 + Math.floor(random() * 60);
    const acknowledged = () => {
      answers += 1;
      untilDeath -= 1;
      if (untilDeath === 0) {
        agent.kill("SIGKILL");
      }
    };
    await Promise.all(Array.from(beliefs, ([name, belief]) => quarrel(name, belief, byUser, { random, acknowledged })));
    await agent.ended;
  }
  assert.ok(answers >= deaths);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";
import { type Belief, quarrel, settle, users } from "./quarrel.ts";

const deaths = rounds(50, 100);
const names = Array.from({ length: 8 }, (_, index) => `board${index}`);
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
    await settle(beliefs, agent);
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

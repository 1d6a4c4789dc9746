import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceState, LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { dialIn, newKey, verdictOf } from "../test/dialling-agent.ts";
import { device, labAgent } from "../test/lab-agent.ts";
import { openRelay, serverTitle } from "../test/open-relay.ts";
import { shown } from "../test/shown.ts";

async function* running(start: { device: string }) {
  yield { ...start, msg: { case: "start" as const, value: { runId: "r", command: "go" } } };
  await new Promise(() => {});
}

test("an agent that dials in is called over its connection, and its devices are as it says", async () => {
  await using relay = await openRelay();
  const { routes } = labAgent(device("board", { description: "on the left", lock: { owner: "bob@h" } }));
  using agent = await dialIn(relay.address, { name: "bench", devices: ["board"], routes });
  assert.deepEqual(verdictOf(await agent.next()), verdictOf({ case: "accepted", value: accepted(1n) }));
  const { devices } = await relay.client.lab.list({});
  assert.deepEqual(
    devices.map(({ name, description, lock }) => [name, description, lock?.owner]),
    [["board", "on the left", "bob@h"]],
  );
});

test("nobody's list waits for an agent that has not said yet what it has, and once it is welcome it is in every list", async () => {
  await using relay = await openRelay();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const names = async () => (await relay.client.lab.list({})).devices.map(({ name }) => name);
  using agent = await dialIn(relay.address, {
    name: "bench",
    devices: ["board"],
    routes: (router) =>
      router.rpc(LabService.method.watch, async function* () {
        asked.resolve();
        await answer.promise;
        yield { event: { case: "snapshot" as const, value: { devices: [device("board")] } } };
      }),
  });
  await asked.promise;
  assert.deepEqual(await names(), []);
  answer.resolve();
  await agent.next();
  assert.deepEqual(await names(), ["board"]);
});

function accepted(epoch: bigint, refused: { name: string; reason: string }[] = []) {
  return {
    $typeName: "dutlab.v1.Accepted" as const,
    epoch,
    refused: refused.map((each) => ({ $typeName: "dutlab.v1.RefusedDevice" as const, ...each })),
  };
}

for (const [what, lie, code] of [
  ["signed another name", (hello: object) => ({ ...hello, agent: "other" }), "unauthenticated"],
  ["shows another's key", (hello: object) => ({ ...hello, publicKey: Buffer.alloc(44) }), "unauthenticated"],
  ["signed nothing", (hello: object) => ({ ...hello, signature: Buffer.alloc(64) }), "unauthenticated"],
  ["has a name with a blank", (hello: object) => ({ ...hello, agent: "my bench" }), "invalid_argument"],
] as const) {
  test(`an agent that ${what} is refused with the reason, and has nothing`, async () => {
    await using relay = await openRelay();
    using agent = await dialIn(relay.address, { name: "bench", devices: ["board"], lie });
    const verdict = await agent.next();
    assert.deepEqual([verdict.case, verdict.case === "refusal" ? verdict.value.code : undefined], ["refusal", code]);
    await agent.closed;
    assert.deepEqual((await relay.client.lab.list({})).devices, []);
  });
}

test("an agent whose hello is as large as a file is not heard to the end: nothing is said to its false proof", async () => {
  await using relay = await openRelay();
  const large = "x".repeat(limits.messageBytes);
  const lie = (hello: object) => ({ ...hello, version: large, signature: Buffer.alloc(64) });
  using agent = await dialIn(relay.address, { name: "bench", devices: ["board"], lie });
  assert.deepEqual(await agent.next(), { case: undefined });
});

test("another key does not get an agent's name, and its users still reach the right one", async () => {
  await using relay = await openRelay();
  using agent = await dialIn(relay.address, {
    name: "bench",
    devices: ["board"],
    routes: labAgent(device("board")).routes,
  });
  await agent.next();
  using rogue = await dialIn(relay.address, { name: "bench", devices: ["board"] });
  const verdict = await rogue.next();
  assert.match(verdict.case === "refusal" ? verdict.value.message : "", /^agent name "bench" belongs to another key/);
  assert.equal((await shown(relay, "board", DeviceState.FREE)).name, "board");
});

test("the same agent's new session ends the old one and its runs with the reason", async () => {
  await using relay = await openRelay();
  const key = newKey();
  const begun = Promise.withResolvers<void>();
  using first = await dialIn(relay.address, {
    ...{ name: "bench", devices: ["board"], key },
    routes: (router) =>
      router.rpc(RunService.method.run, async function* () {
        yield { msg: { case: "started", value: { runId: "r" } } };
        begun.resolve();
        await new Promise(() => {});
      }),
  });
  await first.next();
  const run = Array.fromAsync(relay.client.runs.run(running({ device: "board" })));
  await begun.promise;
  using second = await dialIn(relay.address, { name: "bench", devices: ["board"], key });
  await assert.rejects(run, {
    code: "unavailable",
    message: `${serverTitle}: dutagent "bench" was lost in the middle of the run (the agent has a new session)`,
  });
  assert.deepEqual(verdictOf(await second.next()), verdictOf({ case: "accepted", value: accepted(2n) }));
  await first.closed;
});

test("other devices are there at once, and one that is another's is named without harm to the rest", async () => {
  await using relay = await openRelay();
  using owner = await dialIn(relay.address, { name: "owner", devices: ["taken"] });
  await owner.next();
  const { routes } = labAgent(device("old"), device("new"));
  using agent = await dialIn(relay.address, { name: "bench", devices: ["old"], routes });
  await agent.next();
  agent.announce("new", "taken");
  assert.deepEqual(
    verdictOf(await agent.next()),
    verdictOf({
      case: "accepted",
      value: accepted(1n, [{ name: "taken", reason: 'device "taken" belongs to agent "owner"' }]),
    }),
  );
  await shown(relay, "new", DeviceState.FREE);
  assert.deepEqual(relay.lab.registry.devices, ["new", "taken"]);
});

test("an agent that says goodbye is offline at once, for the reason that it gives", async () => {
  await using relay = await openRelay();
  using agent = await dialIn(relay.address, {
    name: "bench",
    devices: ["board"],
    routes: labAgent(device("board")).routes,
  });
  await agent.next();
  agent.goodbye("the bench is moved");
  const { reason, description } = await shown(relay, "board", DeviceState.OFFLINE);
  assert.deepEqual([reason, description], ['dutagent "bench" is offline: the bench is moved', "the board"]);
  await assert.rejects(relay.client.devices.commands({ device: "board" }), {
    code: "unavailable",
    message: /^dutserver at test: device "board" is offline since .+Z: dutagent "bench": the bench is moved$/,
  });
});

test("a server that stops asks its agents to go elsewhere, and what is open goes on", async () => {
  await using relay = await openRelay();
  const answer = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  using agent = await dialIn(relay.address, {
    ...{ name: "bench", devices: ["board"] },
    routes: (router) =>
      router.rpc(RunService.method.run, async function* () {
        begun.resolve();
        await answer.promise;
        yield { msg: { case: "end", value: { code: "ok" } } };
      }),
  });
  await agent.next();
  const run = Array.fromAsync(relay.client.runs.run(running({ device: "board" })));
  await begun.promise;
  relay.lab.sessions.sendAway("dutserver is shutting down");
  const left = await agent.next();
  await assert.rejects(dialIn(relay.address, { name: "late", devices: ["late"] }), {
    code: "unavailable",
    message: "dutserver is shutting down",
  });
  answer.resolve();
  assert.deepEqual([left.case, (await run).map(({ msg }) => msg.case)], ["leave", ["end"]]);
});

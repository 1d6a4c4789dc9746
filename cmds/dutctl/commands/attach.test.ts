import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RunResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { goingRuns } from "../test/going-runs.ts";
import { dutctl, typed } from "../test/recorded-world.ts";
import { ScriptedAgent } from "../test/scripted-agent.ts";

type Answer = MessageInitShape<typeof RunResponseSchema>;

const started: Answer = {
  msg: {
    case: "started",
    value: { runId: "r2", inputOffset: 5n, inputWindow: 100n, fileWindow: 100n, command: "sh", args: ["secret"] },
  },
};
const end: Answer["msg"] = { case: "end", value: { code: "ok" } };

/** An agent of which one run can be attached to, and what it was asked and told. */
async function agentWith(course: readonly Answer[], runs = goingRuns) {
  const asked: unknown[] = [];
  const told: unknown[] = [];
  const agent = await ScriptedAgent.start({}, undefined, {
    runs: {
      listRuns: ({ device }) => ({ runs: runs.filter((run) => device === "" || run.device === device) }),
      attach: async function* (requests) {
        const messages = requests[Symbol.asyncIterator]();
        const { device, msg } = (await messages.next()).value;
        asked.push([device, msg.case, msg.value.runId, Number(msg.value.offset)]);
        if (msg.value.runId === "nope") {
          throw new ConnectError('device "dev1" has no run "nope"', Code.NotFound);
        }
        yield* course;
        for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
          told.push(next.value.msg.case);
        }
      },
    },
  });
  return { agent, asked, told };
}

test("the caller's own run is taken over where it stands, with what is kept of its output", async () => {
  const { agent, asked } = await agentWith([
    started,
    { offset: 1000n, msg: { case: "print", value: Buffer.from("kept\n") } },
    { offset: 1005n, msg: end },
  ]);
  await using _ = agent;
  assert.deepEqual(
    [await dutctl(["-s", agent.address, "attach", "dev1"]), asked],
    [
      { code: 0, stdout: "kept\n", stderr: "[the first 1000 bytes of output are no longer kept]\n" },
      [["dev1", "resume", "r2", 0]],
    ],
  );
});

test("input goes on behind what the run has had", async () => {
  const offsets: unknown[] = [];
  await using agent = await ScriptedAgent.start({}, undefined, {
    runs: {
      attach: async function* (requests) {
        const messages = requests[Symbol.asyncIterator]();
        await messages.next();
        yield started;
        const { msg } = (await messages.next()).value;
        offsets.push([Buffer.from(msg.value.data).toString(), Number(msg.value.offset)]);
        yield { offset: 0n, msg: end };
      },
    },
  });
  const { code } = await dutctl(["-s", agent.address, "attach", "dev1", "r2"], { stdin: () => typed("more") });
  assert.deepEqual([code, offsets], [0, [["more", 5]]]);
});

test("the agent's word for the arguments grants no file", async () => {
  const { agent, told } = await agentWith([
    started,
    { offset: 0n, msg: { case: "fileRequest", value: { transfer: 1, name: "secret" } } },
    { offset: 1n, msg: { case: "end", value: { code: "canceled", message: "refused" } } },
  ]);
  await using _ = agent;
  const { code, stderr } = await dutctl(["-s", agent.address, "attach", "dev1", "r2"]);
  assert.deepEqual(
    [code, stderr.split("\n")[0], told],
    [126, '✗ the agent asked for the file "secret", which the command line does not name', ["fileRefusal"]],
  );
});

test("the rest of a file whose beginning somebody else got is passed over", async () => {
  const { agent } = await agentWith([
    started,
    { offset: 0n, msg: { case: "fileChunk", value: { transfer: 1, offset: 9n, data: Buffer.from("rest") } } },
    { offset: 4n, msg: { case: "fileEnd", value: { transfer: 1, size: 13n, sha256: Buffer.alloc(32) } } },
    { offset: 5n, msg: { case: "print", value: Buffer.from("done\n") } },
    { offset: 10n, msg: end },
  ]);
  await using _ = agent;
  assert.deepEqual(await dutctl(["-s", agent.address, "attach", "dev1", "r2"]), {
    code: 0,
    stdout: "done\n",
    stderr: "a file that was on its way to the client before is not received\n",
  });
});

test("a run that is not there is named, and so is a device without one", async () => {
  const { agent } = await agentWith([], []);
  await using _ = agent;
  const unknown = await dutctl(["-s", agent.address, "attach", "dev1", "nope"]);
  const none = await dutctl(["-s", agent.address, "attach", "dev1"]);
  assert.deepEqual(
    [unknown.code, unknown.stderr.split("\n")[0], none],
    [
      122,
      '✗ device "dev1" has no run "nope"',
      {
        code: 122,
        stdout: "",
        stderr: '✗ nothing runs on device "dev1"\n  dutctl runs shows what went on lately\n',
      },
    ],
  );
});

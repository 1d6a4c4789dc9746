import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { RunRequestSchema as V1Request } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { RunRequestSchema, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { type RunExchange, runMethods, subjectOf } from "./run-request.ts";

const [oldRun] = runMethods;

/** A call of a method that begins with these bytes. */
function exchange(method: RunExchange["method"] | undefined, message: Uint8Array): RunExchange {
  const stream = new Duplex({ read() {}, write() {} });
  stream.push(enveloped(message, 1024 * 1024));
  return { method, request: { stream, headers: { "content-type": "application/grpc" } } } as unknown as RunExchange;
}

const lab = (msg: Parameters<typeof create<typeof RunRequestSchema>>[1]) =>
  toBinary(RunRequestSchema, create(RunRequestSchema, msg));

test("a run is known by its device and the id that its client chose, in each of the methods", async () => {
  const start = { case: "start" as const, value: { runId: "r-1", command: "power", args: ["on"], graceMs: 5n } };
  const resume = { case: "resume" as const, value: { runId: "r-2", offset: 7n } };
  const command = { case: "command" as const, value: { device: "board", command: "power" } };
  const { run, attach } = RunService.method;
  assert.deepEqual(
    await Promise.all([
      subjectOf(exchange(run, lab({ device: "board", msg: start }))),
      subjectOf(exchange(attach, lab({ device: "board", msg: resume }))),
      subjectOf(exchange(oldRun, toBinary(V1Request, create(V1Request, { msg: command })))),
    ]),
    [
      { device: "board", run: "r-1" },
      { device: "board", run: "r-2" },
      { device: "board", run: undefined },
    ],
  );
});

test("an id that cannot be read, or is longer than ids are, is not known, and that is the agent's to refuse", async () => {
  const { run } = RunService.method;
  const broken = Buffer.from([0x0a, 1, 0x62, 0x12, 2, 0x0a, 0x7f]);
  const start = { case: "start" as const, value: { runId: "r".repeat(65) } };
  assert.deepEqual(
    await Promise.all([subjectOf(exchange(run, broken)), subjectOf(exchange(run, lab({ device: "b", msg: start })))]),
    [
      { device: "b", run: undefined },
      { device: "b", run: undefined },
    ],
  );
});

test("a device that cannot have such a name is refused before it is looked for", async () => {
  const call = exchange(RunService.method.run, lab({ device: "b".repeat(1_000) }));
  await assert.rejects(subjectOf(call), {
    code: "invalid_argument",
    message: `the name of a device must not be longer than 64 characters: "${"b".repeat(32)}"…`,
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { create, type DescMessage, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { ListResponseSchema, RunResponseSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import {
  DescribeResponseSchema as DescribeResponse,
  RunResponseSchema as RunResponse,
} from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";

/** Debian's; another Python on PATH does not see its packages. */
const python = "/usr/bin/python3";
const program = fileURLToPath(import.meta.resolve("#test/programs/grpcio-client.py"));
const skip =
  spawnSync(python, ["-c", "import grpc"]).status === 0
    ? false
    : "needs python3-grpcio: apt-get install python3-grpcio";

const board = { cmds: { sh: shellCommand, repeat: { uses: [{ module: "dummy-repeat" }] } } };

function said(stream: "stdout" | "stderr", text: string): string {
  const message = create(RunResponseSchema, {
    msg: { case: "console", value: { data: { case: stream, value: Buffer.from(text) } } },
  });
  return Buffer.from(toBinary(RunResponseSchema, message)).toString("hex");
}

/** Messages in JSON. */
function read(schema: DescMessage, answers: readonly string[]): unknown[] {
  return answers.map((hex) => toJson(schema, fromBinary(schema, Buffer.from(hex, "hex"))));
}

test("gRPC's C core is served by agent and server in both protocols, output before the error", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const list = toBinary(ListResponseSchema, create(ListResponseSchema, { devices: [{ name: "board" }] }));
  for (const [peer, runId, unknown] of [
    [agent, "first", 'device "none": no such device'],
    [server, "second", 'device "none" not found'],
  ] as const) {
    const { code, stdout, stderr } = await lab.startWords([python, program, peer.address, runId]).ended;
    assert.equal(code, 0, stderr);
    const outcomes = JSON.parse(stdout);
    assert.deepEqual(outcomes.slice(0, 4), [
      { code: "OK", answers: [Buffer.from(list).toString("hex")] },
      { code: "NOT_FOUND", message: unknown, answers: [] },
      {
        code: "ABORTED",
        message: "module failed: shell command exited with code 3",
        answers: [said("stdout", "out\n")],
      },
      {
        code: "OK",
        answers: [
          said("stdout", "Hello from dummy repeat module!\nEnter one word per line. (Two words will terminate)\n"),
          said("stdout", "hello\n"),
          said("stderr", "Oh no! Can only handle one word per line.\n"),
        ],
      },
    ]);
    const [described, run] = outcomes.slice(4);
    const answers = read(RunResponse, run.answers);
    assert.deepEqual(
      [described.code, read(DescribeResponse, described.answers), run.code, answers.slice(1)],
      [
        "OK",
        [
          {
            device: { name: "board", state: "DEVICE_STATE_FREE" },
            commands: [
              { name: "repeat", modules: ["dummy-repeat"] },
              { name: "sh", passthrough: true, modules: ["shell"] },
            ],
          },
        ],
        "OK",
        [
          { stdout: Buffer.from("out\n").toString("base64") },
          {
            offset: "4",
            end: { exitStatus: 3, code: "aborted", message: "module failed: shell command exited with code 3" },
          },
        ],
      ],
    );
  }
});

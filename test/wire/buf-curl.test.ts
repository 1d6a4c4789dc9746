import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";

const root = join(import.meta.dirname, "../..");
const board = { cmds: { sh: shellCommand, repeat: { uses: [{ module: "dummy-repeat" }] } } };

/** What buf adds to the code of an error, which is its exit status divided by eight (buf curl --help). */
const perCode = 8;
const codes = { invalid_argument: 3, not_found: 5, aborted: 10 };

type Words = readonly [rpc: string, ...requests: object[]];

/** A Go client that is not ours. It ends its half of a stream when it has sent everything. */
async function call(lab: Lab, protocol: string, { address }: Daemon, [rpc, ...requests]: Words) {
  const child = lab.startWords([
    ...[join(root, "node_modules/.bin/buf"), "curl", "--protocol", protocol, "--http2-prior-knowledge"],
    ...["--schema", join(root, "pkg/protocol/proto"), "--data", "@-"],
    `http://${address}/dutctl.v1.DeviceService/${rpc}`,
  ]);
  child.process.stdin.end(requests.map((request) => JSON.stringify(request)).join("\n"));
  const { code, stdout, stderr } = await child.ended;
  const answers: unknown[] = JSON.parse(`[${stdout.trim().replaceAll(/\n\}\n\{/g, "\n},\n{")}]`);
  return { status: code, answers, error: stderr === "" ? undefined : JSON.parse(stderr) };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const stdout = (text: string) => ({ console: { stdout: base64(text) } });
const stderr = (text: string) => ({ console: { stderr: base64(text) } });
const stdin = (text: string) => ({ console: { stdin: base64(text) } });
const fine = (...answers: object[]) => ({ status: 0, answers, error: undefined });
const failed = (code: keyof typeof codes, message: string, ...answers: object[]) => ({
  status: codes[code] * perCode,
  answers,
  error: { code, message },
});

for (const protocol of ["grpc", "grpcweb", "connect"]) {
  test(`a client that is not ours is served over ${protocol} by agent and server`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const server = await lab.server();
    const agent = await lab.agent({ board }, "-server", server.address);
    const help = 'unknown keyword "x", possible values are: "help"';
    for (const [peer, unknownDevice] of [
      [agent, 'device "none": no such device'],
      [server, 'device "none" not found'],
    ] as const) {
      const outcomes = await Promise.all(
        (
          [
            ["List", {}],
            ["Commands", { device: "board" }],
            ["Commands", { device: "none" }],
            ["Details", { device: "board", command: "sh", keyword: "x" }],
            ["Details", { device: "board", command: "none", keyword: "help" }],
          ] as const
        ).map((words) => call(lab, protocol, peer, words)),
      );
      assert.deepEqual(outcomes, [
        fine({ devices: [{ name: "board" }] }),
        fine({ commands: ["repeat", "sh"] }),
        failed("not_found", unknownDevice),
        failed("invalid_argument", help),
        failed("not_found", 'device "board", command "none": no such command'),
      ]);

      const talk = [{ command: { device: "board", command: "repeat" } }, stdin("hel"), stdin("lo\ntwo words\n")];
      const { status, answers } = await call(lab, protocol, peer, ["Run", ...talk]);
      assert.deepEqual(
        [status, answers.slice(1)],
        [0, [stdout("hello\n"), stderr("Oh no! Can only handle one word per line.\n")]],
      );

      const command = "echo out; sleep 0.1; echo err >&2; sleep 0.1; exit 3";
      assert.deepEqual(
        await call(lab, protocol, peer, ["Run", { command: { device: "board", command: "sh", args: [command] } }]),
        failed("aborted", "module failed: shell command exited with code 3", stdout("out\n"), stderr("err\n")),
      );
      assert.deepEqual(
        await call(lab, protocol, peer, ["Run", { command: { device: "none", command: "sh" } }]),
        failed("not_found", peer === agent ? 'device "none", command "sh": no such device' : unknownDevice),
      );
      assert.deepEqual(
        await call(lab, protocol, peer, ["Run", stdin("too early")]),
        failed("invalid_argument", "first run request must contain a command"),
      );
    }
  });
}

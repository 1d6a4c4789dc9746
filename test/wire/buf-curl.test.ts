import assert from "node:assert/strict";
import { test } from "node:test";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { base64, bufCurl, bufProtocols, failed, fine, type Words } from "./buf-curl.ts";

const board = { cmds: { sh: shellCommand, repeat: { uses: [{ module: "dummy-repeat" }] } } };

const stdout = (text: string) => ({ console: { stdout: base64(text) } });
const stderr = (text: string) => ({ console: { stderr: base64(text) } });
const stdin = (text: string) => ({ console: { stdin: base64(text) } });

const call = (lab: Lab, protocol: string, peer: Daemon, [rpc, ...requests]: Words) =>
  bufCurl(lab, protocol, peer, [`dutctl.v1.DeviceService/${rpc}`, ...requests]);

for (const protocol of bufProtocols) {
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

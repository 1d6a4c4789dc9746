import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { base64, bufCurl, bufProtocols, failed, fine } from "./buf-curl.ts";

const repeat = { uses: [{ module: "dummy-repeat" }] };
const board = { desc: "on the left shelf", labels: { arch: "arm64" }, cmds: { sh: shellCommand, repeat } };

const device = {
  name: "board",
  description: "on the left shelf",
  labels: { arch: "arm64" },
  state: "DEVICE_STATE_FREE",
};
const commands = [
  { name: "repeat", modules: ["dummy-repeat"] },
  { name: "sh", passthrough: true, modules: ["shell"] },
];

const labs = "dutlab.v1.LabService";
const runs = "dutlab.v1.RunService";

/** The answers of a run without its credit for input, which comes when it will. */
function said({ status, answers, error }: Awaited<ReturnType<typeof bufCurl>>) {
  return { status, answers: answers.filter((answer) => !("inputTaken" in answer)), error };
}

for (const protocol of bufProtocols) {
  test(`a client that is not ours describes devices, runs and takes up runs by our protocol over ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const server = await lab.server();
    const agent = await lab.agent({ board }, "-server", server.address);
    // The server is the first: that a device is free again the agent knows at once, and the server a moment later.
    for (const [peer, unknown, unknownRun] of [
      [server, 'device "none" not found', 'device "none" not found'],
      [agent, 'device "none": no such device', 'device "none", command "sh": no such device'],
    ] as const) {
      const call = (...words: Parameters<typeof bufCurl>[3]) => bufCurl(lab, protocol, peer, words);
      const runId = `${protocol}-${peer === agent ? "agent" : "server"}`;
      assert.deepEqual(
        await Promise.all([
          call(`${labs}/List`, {}),
          call(`${labs}/Describe`, { device: "board" }),
          call(`${labs}/Describe`, { device: "none" }),
        ]),
        [fine({ devices: [device] }), fine({ device, commands }), failed("not_found", unknown)],
      );

      const used = `run "${runId}" was started before (attach to it, or choose another id)`;
      const start = { device: "board", start: { runId, command: "repeat" } };
      const input = { input: { data: base64("hello\ntwo words\n") } };
      const greeting = "Hello from dummy repeat module!\nEnter one word per line. (Two words will terminate)\n";
      const windows = { inputWindow: "65536", fileWindow: "4194304" };
      const transcript = [
        { started: { runId, ...windows, command: "repeat" } },
        { stdout: base64(greeting) },
        { offset: "84", stdout: base64("hello\n") },
        { offset: "90", stderr: base64("Oh no! Can only handle one word per line.\n") },
        { offset: "132", end: { code: "ok" } },
      ];
      assert.deepEqual(said(await call(`${runs}/Run`, start, input)), fine(...transcript));
      const resume = { device: "board", resume: { runId, offset: "86" } };
      assert.deepEqual(said(await call(`${runs}/Attach`, resume)).answers.slice(1), [
        { offset: "86", stdout: base64("llo\n") },
        ...transcript.slice(3),
      ]);
      assert.deepEqual(await call(`${runs}/Run`, start), failed("already_exists", used));

      const failing = { device: "board", start: { runId: `${runId}-2`, command: "sh", args: ["echo out; exit 3"] } };
      assert.deepEqual(said(await call(`${runs}/Run`, failing)).answers.slice(1), [
        { stdout: base64("out\n") },
        {
          offset: "4",
          end: { exitStatus: 3, code: "aborted", message: "module failed: shell command exited with code 3" },
        },
      ]);
      const none = { device: "none", start: { runId: `${runId}-3`, command: "sh" } };
      assert.deepEqual(await call(`${runs}/Run`, none), failed("not_found", unknownRun));
      assert.deepEqual((await call(`${runs}/Run`, { device: "board", ...input })).error?.code, "invalid_argument");
    }
  });
}

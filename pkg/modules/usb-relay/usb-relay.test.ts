import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { silentLog } from "#pkg/log/log.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { printedBy } from "#test/support/run-module.ts";
import { ToolFolder } from "#test/support/tool-folder.ts";
import { parseStates } from "./relay.ts";
import { usbRelay } from "./usb-relay.ts";

async function openFolder(): Promise<ToolFolder> {
  const folder = await ToolFolder.open({ usbrelay: ["usbrelay.ts"] });
  await folder.write("plugged", "");
  return folder;
}

const said = (folder: ToolFolder, ...args: string[]) =>
  printedBy(usbRelay, { relay: "BITFT_1", pulse: "10ms" }, args, folder.host());

test("a relay does what it is told, which its board shows, and the other one is left alone", async () => {
  await using folder = await openFolder();
  const answers = [];
  for (const word of ["status", "on", "on", "toggle", "toggle", "off", "pulse", "status"]) {
    answers.push(await said(folder, word));
  }
  assert.deepEqual(
    [answers, await folder.read("log")],
    [
      [
        "USB relay BITFT_1 is off\n",
        "USB relay BITFT_1 is on\n",
        "USB relay BITFT_1 is on\n",
        "USB relay BITFT_1 is off\n",
        "USB relay BITFT_1 is on\n",
        "USB relay BITFT_1 is off\n",
        "USB relay BITFT_1 was on for 10ms\n",
        "USB relay BITFT_1 is off\n",
      ],
      "BITFT_1=1\nBITFT_1=1\nBITFT_1=0\nBITFT_1=1\nBITFT_1=0\nBITFT_1=1\nBITFT_1=0\n",
    ],
  );
});

test("a pulse that is cancelled ends with the relay off", async (t) => {
  await using folder = await openFolder();
  const reason = new Error("client gone");
  const ending = new AbortController();
  const context = { host: folder.host(), log: silentLog, signal: t.signal };
  await using relay = await usbRelay.configure({ relay: "BITFT_1", pulse: "1h" }).open(context);
  const run = relay.run(recordedCall(["pulse"], { signal: ending.signal }).call);
  while ((await folder.read("BITFT_1").catch(() => "")) !== "1") {
    await new Promise(setImmediate);
  }
  ending.abort(reason);
  await assert.rejects(run, reason);
  assert.equal(await folder.read("BITFT_1"), "0");
});

test("a board that is unplugged in the middle of a pulse may have left its relay on, which the run says", async () => {
  await using folder = await openFolder();
  await folder.write("loose", "");
  await assert.rejects(said(folder, "pulse"), {
    code: "unavailable",
    message: "USB relay BITFT_1 may still be on: there is no USB relay BITFT_1",
    hint: "look at the board before anything else",
  });
});

test("a board that is not there is no success, though usbrelay says so, and neither is a relay that sticks", async () => {
  await using folder = await openFolder();
  await folder.write("stuck", "BITFT_1");
  await assert.rejects(said(folder, "on"), {
    code: "failed_precondition",
    message: "USB relay BITFT_1 was switched on and does not show it",
  });
  await using unplugged = await ToolFolder.open({ usbrelay: ["usbrelay.ts"] });
  for (const word of ["on", "pulse"]) {
    await assert.rejects(said(unplugged, word), { code: "not_found", message: "there is no USB relay BITFT_1" });
  }
});

test("what is no relay cannot be configured, and a word that is not there is refused", async () => {
  for (const relay of ["--help", "BITFT", "BITFT_0", "BITFT_9", "BITFT_1=1 BITFT_2"]) {
    assert.throws(() => usbRelay.configure({ relay }), { name: "ZodError" });
  }
  await using folder = await openFolder();
  await assert.rejects(said(folder, "ON"), { code: "invalid_argument", hint: "use on, off, toggle, pulse or status" });
});

test("what usbrelay prints of other boards and of those that say nothing is known", () => {
  assert.deepEqual(
    parseStates("PSUIS_1=1\nPSUIS_2=0\n0U70M_1=-1\nserial=PSUIS\n"),
    new Map([
      ["PSUIS_1", "on"],
      ["PSUIS_2", "off"],
      ["0U70M_1", "unknown"],
    ]),
  );
});

test("the usbrelay that is installed finds no such relay, and says nothing of it when it is told to switch it", {
  skip: (await nodeProcesses().find("usbrelay")) === undefined && "there is no usbrelay (apt-get install usbrelay)",
}, async () => {
  const { call } = recordedCall(["on"]);
  const host = memoryHost({ processes: nodeProcesses() });
  await using relay = await usbRelay
    .configure({ relay: "NONE0_1" })
    .open({ host, log: silentLog, signal: call.signal });
  await assert.rejects(relay.run(call), { code: "not_found", message: "there is no USB relay NONE0_1" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { silentLog } from "#pkg/log/log.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { printedBy } from "#test/support/run-module.ts";
import { ToolFolder } from "#test/support/tool-folder.ts";
import { usbPort } from "./usb-port.ts";

const openFolder = () => ToolFolder.open({ uhubctl: ["uhubctl.ts"] });

const said = (folder: ToolFolder, options: object, ...args: string[]) =>
  printedBy(usbPort, { location: "1-1", ...options }, args, folder.host());

test("a port is switched off and on, which its hub shows, and others are left alone", async () => {
  await using folder = await openFolder();
  assert.deepEqual(
    [
      await said(folder, { ports: "2" }, "status"),
      await said(folder, { ports: "2" }, "off"),
      await said(folder, { ports: "1,2" }, "status"),
      await said(folder, { ports: "2,3" }, "on"),
      await said(folder, { ports: "2" }, "status"),
      await folder.read("log"),
    ],
    [
      "USB port 2 of hub 1-1 is on\n",
      "USB port 2 of hub 1-1 is off\n",
      "USB port 1 of hub 1-1 is on\nUSB port 2 of hub 1-1 is off\n",
      "USB port 2,3 of hub 1-1 is on\n",
      "USB port 2 of hub 1-1 is on\n",
      "2 off\n2 on\n3 on\n",
    ],
  );
});

test("a cycle takes the power away for as long as it was told", async () => {
  await using folder = await openFolder();
  const start = performance.now();
  assert.equal(
    await said(folder, { ports: "2", delay: "300ms" }, "cycle"),
    "USB port 2 of hub 1-1 is off\nUSB port 2 of hub 1-1 is on\n",
  );
  assert.ok(performance.now() - start >= 300);
  assert.equal(await folder.read("log"), "2 off\n2 on\n");
});

test("a cycle that is cancelled gives the power back", async () => {
  await using folder = await openFolder();
  const reason = new Error("client gone");
  const ending = new AbortController();
  const { call } = recordedCall(["cycle"], { signal: ending.signal });
  const context = { host: folder.host(), log: silentLog, signal: new AbortController().signal };
  await using port = await usbPort.configure({ location: "1-1", ports: "2", delay: "1h" }).open(context);
  const off = Promise.withResolvers<void>();
  const session = { ...call.session, print: async () => off.resolve() };
  const run = port.run({ ...call, session });
  await off.promise;
  ending.abort(reason);
  await assert.rejects(run, reason);
  assert.equal(await folder.read("log"), "2 off\n2 on\n");
});

test("a hub that is unplugged in the middle of a cycle may have left its port without power, which the run says", async () => {
  await using folder = await openFolder();
  const { call } = recordedCall(["cycle"]);
  const context = { host: folder.host(), log: silentLog, signal: call.signal };
  await using port = await usbPort.configure({ location: "1-1", ports: "2", delay: "1ms" }).open(context);
  const session = { ...call.session, print: () => folder.write("unplugged", "") };
  await assert.rejects(port.run({ ...call, session }), {
    code: "unavailable",
    message:
      "USB port 2 of hub 1-1 may still be without power: there is no USB hub at 1-1 that switches the power of its ports",
  });
});

test("a hub that only says it switches is found out", async () => {
  await using folder = await openFolder();
  await folder.write("stuck", "2");
  await assert.rejects(said(folder, { ports: "2" }, "off"), {
    code: "failed_precondition",
    message: "USB port 2 of hub 1-1 was switched off and does not show it",
  });
});

test("a hub, a port and a word that are not there are refused", async () => {
  await using folder = await openFolder();
  for (const word of ["on", "cycle"]) {
    await assert.rejects(said(folder, { location: "3-2", ports: "2" }, word), {
      message: "there is no USB hub at 3-2 that switches the power of its ports",
    });
  }
  await assert.rejects(said(folder, { ports: "7" }, "on"), { message: "uhubctl shows no port 7 of hub 1-1" });
  await assert.rejects(said(folder, { ports: "2" }, "restart"), {
    code: "invalid_argument",
    hint: "use on, off, cycle or status",
  });
  await assert.rejects(said(folder, { ports: "2" }), { code: "invalid_argument", message: "nothing to do was given" });
});

test("what is no place and no port cannot be configured", () => {
  for (const options of [
    { location: "--help", ports: "1" },
    { location: "1-1", ports: "all" },
    { location: "1-1", ports: "0" },
    { location: "1-1 -a off", ports: "1" },
  ]) {
    assert.throws(() => usbPort.configure(options), { name: "ZodError" });
  }
});

test("the uhubctl that is installed says that there is no such hub", {
  skip: (await nodeProcesses().find("uhubctl")) === undefined && "there is no uhubctl (apt-get install uhubctl)",
}, async () => {
  const { call } = recordedCall(["status"]);
  const host = memoryHost({ processes: nodeProcesses() });
  await using port = await usbPort
    .configure({ location: "99-9", ports: "1" })
    .open({ host, log: silentLog, signal: call.signal });
  await assert.rejects(port.run(call), {
    message: "there is no USB hub at 99-9 that switches the power of its ports",
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { silentLog } from "#pkg/log/log.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { printedBy } from "#test/support/run-module.ts";
import { ToolFolder } from "#test/support/tool-folder.ts";
import { sdMux } from "./sd-mux.ts";

const openFolder = () => ToolFolder.open({ usbsdmux: ["usbsdmux.ts"] });

const device = "/dev/usb-sd-mux/id-00048.00643";

const said = (folder: ToolFolder, options: object, ...args: string[]) => printedBy(sdMux, options, args, folder.host());

test("a card goes where it is told, which the mux confirms", async () => {
  await using folder = await openFolder();
  const answers = [];
  for (const word of ["status", "host", "status", "dut", "off"]) {
    answers.push(await said(folder, { device }, word));
  }
  assert.deepEqual(answers, [
    "SD card: off\n",
    "SD card: host\n",
    "SD card: host\n",
    "SD card: dut\n",
    "SD card: off\n",
  ]);
});

test("a mux that stays where it is, and one that is not there, are failures", async () => {
  await using folder = await openFolder();
  await folder.write("stuck", "");
  await assert.rejects(said(folder, { device }, "dut"), {
    code: "failed_precondition",
    message: "the SD mux was told dut and is at off",
  });
  await assert.rejects(said(folder, { device: "/dev/usb-sd-mux/id-1" }, "dut"), {
    message: "usbsdmux exited with code 1: [Errno 2] No such file or directory: '/dev/usb-sd-mux/id-1'",
  });
});

test("what is no device cannot be configured, and a word that is not there is refused", async () => {
  assert.throws(() => sdMux.configure({ device: "--help" }), { name: "ZodError" });
  await using folder = await openFolder();
  await assert.rejects(said(folder, { device }, "get"), {
    code: "invalid_argument",
    message: 'unknown argument: "get"',
    hint: "use host, dut, off or status",
  });
});

test("the usbsdmux that is installed says that there is no such device", {
  skip: (await nodeProcesses().find("usbsdmux")) === undefined && "there is no usbsdmux (apt-get install usbsdmux)",
}, async () => {
  const { call } = recordedCall(["status"]);
  const host = memoryHost({ processes: nodeProcesses() });
  await using mux = await sdMux
    .configure({ device: "/dev/usb-sd-mux/id-none" })
    .open({ host, log: silentLog, signal: call.signal });
  await assert.rejects(mux.run(call), {
    message: "usbsdmux exited with code 1: [Errno 2] No such file or directory: '/dev/usb-sd-mux/id-none'",
  });
});

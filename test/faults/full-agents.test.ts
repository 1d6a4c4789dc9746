import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Lab } from "#test/support/lab.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { ToolFolder } from "#test/support/tool-folder.ts";

const diskBytes = 1_048_576;

test("a disk of the agent that is full is named by each module that wanted room there, and others work", {
  skip: mountsAreMissing ?? false,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using tools = await ToolFolder.open({ em100: ["em100.ts"], snmpget: ["em100.ts"], snmpset: ["em100.ts"] });
  await using disk = await PrivateMount.tmpfs(diskBytes);
  await writeFile(join(disk.seen, "filler"), Buffer.alloc(diskBytes));
  const seen = lab.startedBy(...disk.enter, "env", `PATH=${tools.bin}:${process.env.PATH}`, `TMPDIR=${disk.path}`);
  const module = (name: string, options: object = {}) => ({
    cmds: { use: { uses: [{ module: name, passthrough: true, with: options }] } },
  });
  const upload = { operation: "upload", root: disk.path };
  const snmp = { preset: "apc-rpdu2", community: "lab" };
  const agent = await seen.agent({
    emulator: module("flash-emulate", { chip: "N25Q256A13" }),
    outlet: module("pdu", { vendor: "snmp", host: "snmp://127.0.0.1", outlet: 1, snmp }),
    file: module("file", upload),
    folder: module("file", { ...upload, directory: true }),
    image: module("image", { disk: join(disk.path, "disk") }),
    shell: module("shell"),
    system: module("agent-status"),
  });
  await mkdir(lab.path("logs"));
  await writeFile(lab.path("image"), Buffer.alloc(diskBytes, "image"));
  await writeFile(lab.path("logs/log"), Buffer.alloc(diskBytes, "log"));
  await lab.startWords(["tar", "-cf", lab.path("logs.tar"), "-C", lab.path("logs"), "."]).ended;
  const use = async (device: string, ...args: string[]) => {
    const { code, stderr } = await lab.dutctl(["-s", agent.address, device, "use", ...args]);
    return `${code} ${stderr.replaceAll(disk.path, "<disk>").replace(/(?<=dutagent-(?:flash-emulate|snmp)-)\w+/, "<random>")}`;
  };
  const said = [
    await use("emulator", "image"),
    await use("outlet", "status"),
    await use("file", "image"),
    await use("folder", "logs.tar:logs"),
    await use("image", "write", "image"),
    await use("shell", "true"),
    await use("system"),
  ];
  const room = "make room there, or start the agent with TMPDIR set to a directory that has it";
  assert.deepEqual(
    [said, await readdir(disk.seen)],
    [
      [
        `1 ✗ module failed: no room for ${diskBytes} bytes in <disk>/dutagent-flash-emulate-<random>: 0 bytes are free\n  ${room}\n`,
        "1 ✗ module failed: write <disk>/dutagent-snmp-<random>/snmp.conf: no space left on the device\n",
        "1 ✗ module failed: write image: no space left on the device\n",
        "1 ✗ module failed: no space left on the device for what is in the archive\n",
        "1 ✗ module failed: write <disk>/disk.new: no space left on the device\n",
        "0 ",
        "0 ",
      ],
      ["filler"],
    ],
  );
});

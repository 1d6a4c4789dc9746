import assert from "node:assert/strict";
import { chmod, mkdir, mkdtempDisposable, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { explain } from "#pkg/errors/dut-error.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { firstConfig } from "./first-config.ts";
import { init } from "./init.ts";
import { lookAround, type Machine, toolModules } from "./look-around.ts";

test("serial ports are found once, by the name that stays, and tools where PATH says", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "machine-"));
  const at = (path: string) => join(folder.path, path);
  await Promise.all(["dev/serial/by-id", "bin"].map((path) => mkdir(at(path), { recursive: true })));
  await Promise.all(
    ["dev/ttyUSB0", "dev/ttyUSB1", "dev/ttyACM0", "dev/ttyS0", "dev/gpiochip0", "bin/flashrom", "bin/em100"].map(
      (path) => writeFile(at(path), ""),
    ),
  );
  await symlink("../../ttyUSB1", at("dev/serial/by-id/usb-FTDI_1-if00"));
  await chmod(at("bin/flashrom"), 0o755);
  assert.deepEqual(await lookAround(folder.path, `/nowhere:${at("bin")}`), {
    serialPorts: ["serial/by-id/usb-FTDI_1-if00", "ttyACM0", "ttyUSB0"].map((name) => ({
      path: `/dev/${name}`,
      usable: true,
    })),
    gpioChips: ["/dev/gpiochip0"],
    tools: ["flashrom"],
  });
});

const nothing: Machine = { serialPorts: [], gpioChips: [], tools: [] };
const everything: Machine = {
  serialPorts: [
    { path: "/dev/serial/by-id/usb-FTDI_1-if00", usable: true },
    { path: '/dev/serial/by-id/usb: #odd" name', usable: false },
  ],
  gpioChips: ["/dev/gpiochip0", "/dev/gpiochip4"],
  tools: Array.from(toolModules.keys()),
};

/** What is written for those who know YAML and remove the comment signs. */
function uncommented(text: string): string {
  return text.replace(/^( +)# ?( *(?:[\w-]+:|- ).*)$/gm, "$1$2");
}

test("what is written is a valid configuration without warnings, also where the examples are made real", () => {
  const kinds = new Set(moduleKinds.map(({ name }) => name));
  for (const [machine, devices] of [
    [nothing, ["computer"]],
    [everything, ["computer", "board1", "board2"]],
  ] as const) {
    const text = firstConfig(machine, kinds);
    const config = parseConfig("first.yaml", text, moduleKinds);
    assert.deepEqual([Array.from(config.devices.keys()), config.warnings], [devices, []]);
  }
  const examples = parseConfig("first.yaml", uncommented(firstConfig(nothing, kinds)), moduleKinds);
  assert.deepEqual(
    Array.from(examples.devices.values(), ({ commands }) => Array.from(commands.keys())),
    [["status", "shell", "ping"], ["console"]],
  );
});

test("a port of any name becomes the option that it is", () => {
  const config = parseConfig("first.yaml", firstConfig(everything, new Set()), moduleKinds);
  const [use] = config.devices.get("board2")?.commands.get("console")?.uses ?? [];
  assert.deepEqual(
    use?.module.resources.map(({ name }) => name),
    ['/dev/serial/by-id/usb: #odd" name'],
  );
});

test("a file that is there is left alone unless force is given", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "init-"));
  const file = join(folder.path, "dutctl.yaml");
  await writeFile(file, "mine");
  assert.equal(
    await init([file], "").then(() => "", explain),
    `${file} is there already (write another file, or use -force)`,
  );
  assert.equal(await readFile(file, "utf8"), "mine");
  assert.deepEqual(await init(["-force", file], ""), {
    stdout: "",
    stderr: `wrote ${file}; next: dutagent -check-config -c ${file}\n`,
  });
  const { stdout } = await init([], "");
  assert.equal(await readFile(file, "utf8"), stdout);
  assert.deepEqual(
    await Promise.all(
      [["a", "b"], [join(folder.path, "no/file")]].map((args) => init(args, "").then(() => "", explain)),
    ),
    [
      "init takes at most the name of one file (dutagent init [-force] [file])",
      `cannot write ${folder.path}/no/file: no such file or directory`,
    ],
  );
});

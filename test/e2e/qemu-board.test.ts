import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { boardSkip, makeBoardImages } from "#test/support/board-images.ts";
import { HeldPorts } from "#test/support/held-ports.ts";
import { Lab } from "#test/support/lab.ts";
import { makeQemuBoot, qemuSkip } from "#test/support/qemu-boot.ts";

const example = join(import.meta.dirname, "../../contrib/qemu-board/qemu-board.yaml");

test("a board in QEMU is powered, reached, flashed, logged in to and photographed through a server", {
  skip: qemuSkip() || (await boardSkip()),
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using ports = new HeldPorts();
  const port = await ports.hold();
  await makeQemuBoot(lab.path(".qemu-board-boot"));
  await makeBoardImages(lab.directory);
  await writeFile(lab.path("board.yaml"), (await readFile(example, "utf8")).replace("8080", String(port)));
  const server = await lab.server();
  const agent = await lab.agent("board.yaml", "-server", server.address);
  const board = async (...args: string[]) => {
    const { code, stdout, stderr } = await lab.dutctl(["-s", server.address, "board", ...args]);
    assert.deepEqual([args, code, stderr], [args, 0, ""], stdout);
    return stdout;
  };
  await board("power", "on");
  await board("console", "-t", "60s", "--", "expect", "board# ");
  const page = await (await fetch(`http://127.0.0.1:${port}/hello`)).text();
  await board("type", "clear");
  await board("screenshot", "screen.png");
  const status = await board("power", "status");
  await board("power", "off");
  await board("flash", "board-2.0.img.xz");
  await board("power", "on");
  await board("login");
  const version = /Board firmware [0-9.]+/.exec(await board("version"))?.[0];
  await board("power", "off");
  const stopped = await agent.stop();
  assert.deepEqual(
    {
      page,
      picture: (await readFile(lab.path("screen.png"))).toString("latin1", 0, 8),
      status: /^on, pid \d+, since \S+\n(emulated|accelerated) /.test(status),
      version,
      code: stopped.code,
      left: await readdir(lab.path(".qemu-board")),
    },
    {
      page: "hello from the board\n",
      picture: "\x89PNG\r\n\x1a\n",
      status: true,
      version: "Board firmware 2.0",
      code: 0,
      left: ["disk.img", "lock"],
    },
  );
});

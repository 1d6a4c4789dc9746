import assert from "node:assert/strict";
import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { boardSkip, makeBoardImages } from "#test/support/board-images.ts";
import { Lab } from "#test/support/lab.ts";

const example = join(import.meta.dirname, "../../contrib/uml-board/uml-board.yaml");

test("a Linux board is powered, logged in to, flashed and powered again through a server", {
  skip: await boardSkip(),
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await makeBoardImages(lab.directory);
  await cp(example, lab.path("board.yaml"));
  const server = await lab.server();
  const agent = await lab.agent("board.yaml", "-server", server.address);
  const board = async (...args: string[]) => {
    const { code, stdout, stderr } = await lab.dutctl(["-s", server.address, "board", ...args]);
    assert.deepEqual([args, code, stderr], [args, 0, ""], stdout);
    return stdout;
  };
  const bootedVersion = async () => {
    await board("power", "on");
    await board("login");
    return /Board firmware [0-9.]+/.exec(await board("version"))?.[0];
  };
  await board("flash", "board-1.0.img");
  const first = await bootedVersion();
  await board("power", "off");
  await board("flash", "board-2.0.img.xz");
  const second = await bootedVersion();
  const printed = await board("console", "-history", "5000", "-no-follow");
  await board("power", "off");
  assert.match(printed, /Linux version[\s\S]*Board firmware 1\.0[\s\S]*Linux version[\s\S]*Board firmware 2\.0/);
  assert.deepEqual([first, second], ["Board firmware 1.0", "Board firmware 2.0"]);
  assert.equal((await agent.stop()).code, 0);
  assert.deepEqual(await readdir(lab.path(".uml-board")), ["disk.img", "lock"]);
});

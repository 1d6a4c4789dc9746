import assert from "node:assert/strict";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { boardSkip, makeBoardImages } from "#test/support/board-images.ts";
import { Lab } from "#test/support/lab.ts";

const example = join(import.meta.dirname, "../../contrib/uml-board/try-image.yaml");

test("a virtual board on which an image was tried has no power, whether that booted, was none, or was given up", {
  skip: await boardSkip(),
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await makeBoardImages(lab.directory);
  await writeFile(lab.path("none.img"), "no image");
  await cp(example, lab.path("board.yaml"));
  const agent = await lab.agent("board.yaml");
  const dutctl = (...args: string[]) => lab.dutctl(["-s", agent.address, "board", ...args]);
  const isOff = async () => (await dutctl("power", "status")).stdout.startsWith("off");

  const good = await dutctl("try", "board-1.0.img");
  const offAfterGood = await isOff();

  const none = await dutctl("try", "none.img");
  const offAfterNone = await isOff();

  const client = lab.start("dutctl", ["-s", agent.address, "board", "try", "board-2.0.img"]);
  await client.said("stdout", /on, pid/);
  client.kill("SIGINT");
  const { code } = await client.ended;

  assert.deepEqual([good.code, good.stderr, offAfterGood], [0, "", true]);
  assert.deepEqual([none.code, none.stdout.match(/not to be released/g)?.length, offAfterNone], [1, 1, true]);
  assert.match(
    none.stderr,
    /^attempt 1 of 2 failed: module failed: step 2 of 6, module uml: .*; not tried again: its arguments stay the same\n✗ module failed: step 2 of 6/,
  );
  assert.deepEqual([code, await isOff()], [130, true]);
});

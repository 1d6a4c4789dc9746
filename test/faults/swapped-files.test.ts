import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DutError } from "#pkg/errors/dut-error.ts";
import { Lab } from "#test/support/lab.ts";
import { grantsOf } from "../../cmds/dutctl/files/grants.ts";
import { openGranted } from "../../cmds/dutctl/files/open-file.ts";
import { readWhole } from "../../cmds/dutctl/files/read-file.ts";

const rounds = 10_000;
const longestMs = 20_000;
const swapper = fileURLToPath(import.meta.resolve("#test/programs/swap-file.ts"));

test(`a file that another process swaps for a link to a key is never the key once it is open, in ${rounds} rounds or 20 s`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const [path, key] = [lab.path("firmware"), lab.path("home/.ssh/id_rsa")];
  await mkdir(lab.path("home/.ssh"), { recursive: true });
  await writeFile(key, "secret");
  const { ino } = await stat(key);
  const swapping = lab.startWords([process.execPath, swapper, path, key]);
  await swapping.said("stdout", /swapping/);
  const seen = { mine: 0, empty: 0, refused: 0 };
  const grants = grantsOf([path], { directory: lab.directory });
  const end = performance.now() + longestMs;
  let round = 0;
  for (; round < rounds && performance.now() < end; round++) {
    try {
      await using file = await openGranted(grants, path);
      const opened = await readFile(`/proc/self/fdinfo/${file.handle.fd}`, "utf8");
      assert.notEqual(/^ino:\s*(\d+)/m.exec(opened)?.[1], String(ino));
      const content = Buffer.from(await readWhole(file, path)).toString();
      assert.match(content, /^(?:mine)?$/);
      seen[content === "mine" ? "mine" : "empty"] += 1;
    } catch (error) {
      if (!(error instanceof DutError) || error.code !== "permission_denied") {
        throw error;
      }
      seen.refused += 1;
    }
  }
  swapping.process.stdin.end();
  t.diagnostic(`${round} rounds: ${JSON.stringify(seen)}`);
  assert.ok(seen.mine > 0 && seen.refused > 0);
  assert.equal((await swapping.ended).code, 0);
});

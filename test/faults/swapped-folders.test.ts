import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import type { RootedFiles } from "#pkg/host/rooted/rooted-files.ts";
import { Child } from "#test/support/child.ts";

const rounds = 10_000;
const longestMs = 10_000;
const program = (name: string) => fileURLToPath(import.meta.resolve(`#test/programs/${name}.ts`));

/** A root with `folder/file`, a secret beside it, and a program that swaps one of the two names for a link out of it. */
async function swapped(t: TestContext, what: "folder" | "file") {
  const place = await mkdtempDisposable(join(tmpdir(), "swapped-"));
  const outside = join(place.path, "outside");
  const folder = join(place.path, "root/folder");
  await mkdir(folder, { recursive: true });
  await mkdir(outside);
  await writeFile(join(folder, "file"), "mine");
  await writeFile(join(outside, "file"), "secret");
  const words = what === "folder" ? [folder, outside] : [join(folder, "file"), join(outside, "file")];
  const swapping = new Child([process.execPath, program(`swap-${what}`), ...words], { cwd: "/", env: process.env });
  const root = await nodeFiles().openRoot(join(place.path, "root"), "refuse");
  t.after(async () => {
    await root[Symbol.asyncDispose]();
    await swapping[Symbol.asyncDispose]();
    await place.remove();
  });
  await swapping.said("stdout", /swapping/);
  return { root, outside, folder, swapping };
}

/** Counts what became of many tries: done, or refused for the link, or for nothing that was there at that moment. */
async function tried(root: RootedFiles, attempt: (root: RootedFiles) => Promise<void>) {
  const seen = { done: 0, link: 0, gone: 0 };
  const end = performance.now() + longestMs;
  for (let round = 0; round < rounds && performance.now() < end; round++) {
    try {
      await attempt(root);
      seen.done += 1;
    } catch (error) {
      if (
        !(error instanceof DutError) ||
        !["permission_denied", "not_found", "failed_precondition"].includes(error.code)
      ) {
        throw error;
      }
      seen[error.code === "permission_denied" ? "link" : "gone"] += 1;
    }
  }
  return seen;
}

const attempts: Readonly<Record<string, (root: RootedFiles) => Promise<void>>> = {
  "read from": async (root) => {
    await using file = await root.read("folder/file");
    const content = Buffer.concat(await Array.fromAsync(file.content)).toString();
    assert.match(content, /^(?:mine)?$/);
  },
  "written to": async (root) => {
    await using file = await root.replace("folder/file", 0o600);
    await file.write(Buffer.from("mine"));
    await file.commit();
  },
};

for (const what of ["folder", "file"] as const) {
  for (const [verb, attempt] of Object.entries(attempts)) {
    test(`a ${what} that is swapped for a link out of the root is never ${verb} there, in ${rounds} rounds or 10 s`, async (t) => {
      const { root, outside, folder, swapping } = await swapped(t, what);
      const seen = await tried(root, attempt);
      t.diagnostic(JSON.stringify(seen));
      swapping.process.stdin.end();
      const { code, stderr } = await swapping.ended;
      assert.deepEqual([code, stderr], [0, ""]);
      assert.deepEqual(
        [seen.done > 0, seen.link > 0, await readdir(outside), await readFile(join(outside, "file"), "utf8")],
        [true, true, ["file"], "secret"],
      );
      assert.deepEqual(await readdir(folder), ["file"]);
    });
  }
}

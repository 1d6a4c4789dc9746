import assert from "node:assert/strict";
import { chmod, mkdir, mkdtempDisposable, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { agentWords } from "./agent-words.ts";

/** Folders with the programs that are named, each executable unless its name ends in "!". */
async function folders(programs: Readonly<Record<string, readonly string[]>>) {
  const made = await mkdtempDisposable(join(tmpdir(), "programs-"));
  for (const [folder, names] of Object.entries(programs)) {
    await mkdir(join(made.path, folder));
    for (const name of names) {
      const path = join(made.path, folder, name.replace("!", ""));
      await writeFile(path, "");
      await chmod(path, name.endsWith("!") ? 0o600 : 0o700);
    }
  }
  return made;
}

test("sources start the sources of dutagent with the same Node", async () => {
  assert.deepEqual(await agentWords({ executable: "/opt/node", agentSource: "/src/dutagent.ts", path: "/usr/bin" }), [
    "/opt/node",
    "/src/dutagent.ts",
  ]);
});

test("an executable starts the one in its own folder, also when it was found through a link", async () => {
  await using made = await folders({ own: ["dutctl", "dutagent"], bin: ["dutagent"] });
  const { path } = made;
  await symlink(join(path, "own/dutctl"), join(path, "bin/dutctl"));
  const executable = join(path, "bin/dutctl");
  assert.deepEqual(await agentWords({ executable, agentSource: undefined, path: join(path, "bin") }), [
    join(path, "own/dutagent"),
  ]);
});

test("an executable that stands alone starts the first on PATH that can be started, wherever one happens to be", async () => {
  await using made = await folders({ own: ["dutctl"], first: ["dutagent!"], second: ["dutagent"] });
  const { path } = made;
  const program = { executable: join(path, "own/dutctl"), agentSource: undefined };
  const PATH = ["", ".", join(path, "none"), join(path, "first"), join(path, "second")].join(":");
  assert.deepEqual(await agentWords({ ...program, path: PATH }), [join(path, "second/dutagent")]);
  await assert.rejects(agentWords({ ...program, path: join(path, "first") }), {
    code: "unavailable",
    message: `there is no dutagent in ${join(path, "own")} or on PATH`,
    hint: "-local needs the program dutagent: put it beside dutctl",
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { sourcePrograms } from "#test/support/programs.ts";

for (const name of ["dutagent", "dutserver"] as const) {
  test(`cmds/${name}/README.md has exactly the flags and tasks of ${name}`, async () => {
    const [program = "", ...args] = sourcePrograms[name];
    const { stderr: help } = spawnSync(program, [...args, "-help"], { encoding: "utf8" });
    const readme = await readFile(join(import.meta.dirname, `../cmds/${name}/README.md`), "utf8");
    const rows = Array.from(readme.matchAll(/^\| (`-[^|]*) \|/gm), ([, first = ""]) => first);
    const documented = rows.flatMap((row) => Array.from(row.matchAll(/`-([a-z-]+)`/g), ([, flag]) => flag));
    const flags = Array.from(help.matchAll(/^ {2}-([a-z-]+)/gm), ([, flag]) => flag);
    assert.deepEqual(documented.toSorted(), flags.toSorted());
    const tasks = Array.from(help.matchAll(new RegExp(`^ {2}(${name} .*)$`, "gm")), ([, task = ""]) => task);
    const shown = readme.split("\n");
    assert.deepEqual(
      tasks.filter((task) => !shown.includes(task)),
      [],
    );
  });
}

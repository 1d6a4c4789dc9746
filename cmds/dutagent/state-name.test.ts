import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stateName } from "./state-name.ts";

test("a configuration file has one state directory, by whatever link it is found", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "state-"));
  const path = await realpath(folder.path);
  await mkdir(join(path, "other"));
  const [config = "", copy = "", link = ""] = ["bench.yaml", "other/bench.yaml", "link.yaml"].map((name) =>
    join(path, name),
  );
  await Promise.all([writeFile(config, ""), writeFile(copy, ""), symlink(config, link)]);
  const own = await stateName(config);
  assert.match(own, /^dutagent\/bench-[0-9a-f]{8}$/);
  assert.deepEqual([(await stateName(link)) === own, (await stateName(copy)) === own], [true, false]);
});

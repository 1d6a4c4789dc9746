import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, realpath, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stateDirectory } from "./state-directory.ts";

test("the flag comes before systemd's directory, and that before one per configuration file", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "state-"));
  const path = await realpath(folder.path);
  await mkdir(join(path, "other"));
  const [config, copy, link] = ["bench.yaml", "other/bench.yaml", "link.yaml"].map((name) => join(path, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all([writeFile(config, ""), writeFile(copy, ""), symlink(config, link)]);
  const env = { XDG_STATE_HOME: "/xdg", STATE_DIRECTORY: "/var/lib/dutagent:/var/lib/other" };
  const below = (directory: string) => directory.replace(/-[0-9a-f]{8}$/, "-MARK");
  const own = await stateDirectory(undefined, config, { XDG_STATE_HOME: "/xdg", STATE_DIRECTORY: "" });
  assert.deepEqual(
    [
      await stateDirectory("mine", config, env),
      await stateDirectory(undefined, config, env),
      below(own),
      (await stateDirectory(undefined, link, { XDG_STATE_HOME: "/xdg" })) === own,
      (await stateDirectory(undefined, copy, { XDG_STATE_HOME: "/xdg" })) === own,
      below(await stateDirectory(undefined, config, {})),
    ],
    [
      "mine",
      "/var/lib/dutagent",
      "/xdg/dutagent/bench-MARK",
      true,
      false,
      join(homedir(), ".local/state/dutagent/bench-MARK"),
    ],
  );
});

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";

const board = { cmds: { sh: shellCommand } };

test("an address is found by the flag, then the environment, then the context in use, and who one is too", async (t) => {
  await using lab = await Lab.open(t.signal);
  const [here, there] = await Promise.all([lab.agent({ here: board }), lab.agent({ there: board })]);
  const dutctl = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { code, stdout, stderr } = await lab.dutctl(words, { env });
    return code === 0 ? stdout : stderr;
  };
  await dutctl(["config", "set", "here", `server=${here.address}`, "user=alice@h"]);
  await dutctl(["config", "set", "there", `server=${there.address}`, "format=oneline"]);
  const contexts = await dutctl(["config", "list"]);
  const first = await dutctl(["list"]);
  await dutctl(["here", "lock", "25m"]);
  const environment = { DUTCTL_SERVER: here.address, DUTCTL_FORMAT: "text" };
  await dutctl(["config", "use", "there"]);
  assert.deepEqual(
    [
      contexts,
      first,
      (await dutctl(["list"])).replace(/^[^,]+,/, ""),
      await dutctl(["-context", "here"]),
      await dutctl(["list"], environment),
      await dutctl(["here", "sh", "true"], { ...environment, DUTCTL_USER: "bob@h" }),
      await dutctl(["-s", there.address, "list"], environment),
      (await dutctl(["-context", "nowhere", "list"])).split(" in ")[0],
    ],
    [
      `* here server=${here.address} user=alice@h\n  there server=${there.address} format=oneline\n`,
      "- here\n",
      "device-list,INFO,there\n",
      '- here [locked by "alice@h" for 25m]\n',
      '- here [locked by "alice@h" for 25m]\n',
      '✗ device "here" is locked by "alice@h" for 25m\n  -wait waits until it is free\n',
      "- there\n",
      'flag -context: no context "nowhere"',
    ],
  );
  assert.match(await readFile(lab.path("config/dutctl/config.yaml"), "utf8"), /^current: there$/m);
});

test("behind -- a device may be called like any word", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ describe: board, runs: board });
  const dutctl = (...words: string[]) => lab.dutctl(["-s", address, ...words]);
  assert.deepEqual(
    [
      await dutctl("--", "describe", "sh", "echo a device"),
      await dutctl("--", "runs"),
      await dutctl("describe", "runs"),
      await dutctl("--", "list"),
    ].map(({ code, stdout, stderr }) => [code, stdout.split("\n")[0], stderr]),
    [
      [0, "a device", ""],
      [0, "- sh", ""],
      [0, "runs", ""],
      [122, "", '✗ device "list": no such device\n'],
    ],
  );
});

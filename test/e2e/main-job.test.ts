import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Lab } from "#test/support/lab.ts";
import { buildPrograms } from "#test/support/programs.ts";

const contrib = join(import.meta.dirname, "../../contrib");

test("the executables do the main job: a server, two agents, list, run, and a file there and back", {
  skip: process.platform === "linux" ? false : "executables are made for Linux",
}, async (t) => {
  await using built = await buildPrograms();
  await using lab = await Lab.open(t.signal, built.programs);
  const server = await lab.server();
  const agents = await Promise.all(
    [1, 2].map((number) => lab.agent(join(contrib, `config-${number}.yaml`), "-server", server.address)),
  );
  await writeFile(lab.path("in.txt"), "from the user");
  const dutctl = (...args: string[]) => lab.dutctl(["-s", server.address, ...args]);
  const outcomes = [
    await dutctl("list"),
    await dutctl("device1", "greet", "Ada", "1ms"),
    await dutctl("device2", "file-transfer", "in.txt", "out.txt"),
  ];
  assert.deepEqual(outcomes, [
    { code: 0, stdout: "- device1\n- device2\n", stderr: "" },
    { code: 0, stdout: "Hello Ada\nWaiting for 1ms\nHello again, Ada\n", stderr: "" },
    {
      code: 0,
      stdout: [
        "Hello from dummy file transfer module",
        "Called with 2 arguments",
        'Requesting file "in.txt" passed in arg[0] as input',
        '↑ sent "in.txt" (13 B)',
        '↓ received "out.txt" (44 B)',
        'File operated successfully, delivered "out.txt" as passed in arg[1] as output',
        "",
      ].join("\n"),
      stderr: "",
    },
  ]);
  assert.equal(await readFile(lab.path("out.txt"), "utf8"), "from the user\n\nprocessed by dummy.FT module\n");
  const ended = await Promise.all([server, ...agents].map((daemon) => daemon.stop()));
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0],
  );
});

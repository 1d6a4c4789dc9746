import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { Lab } from "#test/support/lab.ts";
import { sourcePrograms } from "#test/support/programs.ts";

const run = promisify(execFile);

test("the configuration that init writes passes -check-config, and is not written over", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = (...args: readonly string[]) => lab.start("dutagent", args).ended;
  assert.deepEqual(await agent("init", "first.yaml"), {
    code: 0,
    stdout: "",
    stderr: "wrote first.yaml; next: dutagent -check-config -c first.yaml\n",
  });
  const checked = await agent("-check-config", "-c", "first.yaml");
  assert.deepEqual([checked.code, /warn|error/i.test(checked.stderr)], [0, false]);
  assert.deepEqual(await agent("init", "first.yaml"), {
    code: 1,
    stdout: "",
    stderr: "dutagent: first.yaml is there already (write another file, or use -force)\n",
  });
  assert.equal((await agent("init")).stdout, await readFile(lab.path("first.yaml"), "utf8"));
});

test("the schema and the modules are printed, and other words mean as little as ever", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = (...args: readonly string[]) => lab.start("dutagent", args).ended;
  const schema = await agent("schema");
  assert.deepEqual([schema.code, JSON.parse(schema.stdout).title, schema.stderr], [0, "Configuration of dutagent", ""]);
  const { code, stdout } = await agent("modules", "time-wait");
  assert.deepEqual([code, stdout.split("\n", 2)], [0, ["time-wait: wait for a while", "  duration  text, default 1s"]]);
  assert.deepEqual(await agent("modules", "time-wat"), {
    code: 1,
    stdout: "",
    stderr: 'dutagent: no module named "time-wat" (did you mean time-wait?)\n',
  });
  assert.equal((await agent("schema", "x")).code, 2);
  const help = await agent("init", "-h");
  assert.deepEqual([help.code, help.stderr.split("\n", 1)], [0, ["Usage: dutagent init [-force] [file]"]]);
  const ignored = await agent("-check-config", "-c", lab.path("none.yaml"), "serve");
  assert.deepEqual([ignored.code, ignored.stderr.includes("cannot read")], [1, true]);
});

test("the schema is whole in a pipe, which takes less of it at once", async () => {
  const { stdout } = await run("sh", ["-c", '"$@" | dd bs=1 status=none', "sh", ...sourcePrograms.dutagent, "schema"]);
  assert.equal(JSON.parse(stdout).title, "Configuration of dutagent");
});

test("a result that cannot be written, all of it or its end, is an error in words, and a reader that has left is none", {
  skip: existsSync("/dev/full") ? false : "needs /dev/full, which Linux has",
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  // A limit of the size of files lets a part of a write through, as a disk does that is nearly full.
  const told = async (program: "dutagent" | "dutserver", script: string) => {
    const words = ["sh", "-c", script, "sh", ...sourcePrograms[program]];
    const { code, stderr } = await lab.startWords(words, undefined, { NODE_DISABLE_COMPILE_CACHE: "1" }).ended;
    return { code, stderr };
  };
  const failed = (program: string, reason: string) => ({
    code: 1,
    stderr: `${program}: cannot write to standard output: ${reason}\n`,
  });
  assert.deepEqual(
    [
      await told("dutagent", '"$@" schema >/dev/full'),
      await told("dutagent", 'ulimit -f 16; "$@" schema >part'),
      await told("dutagent", '"$@" -v >/dev/full'),
      await told("dutserver", '"$@" init -dir authority >/dev/full'),
      await told("dutagent", 'mkfifo gone; (: <gone) & "$@" schema >gone'),
    ],
    [
      failed("dutagent", "no space left on device"),
      failed("dutagent", "file too large"),
      failed("dutagent", "no space left on device"),
      failed("dutserver", "no space left on device"),
      { code: 0, stderr: "" },
    ],
  );
});

test("-check-config tells every problem and warning in a line of its own, as compilers do, then one that sums up", async (t) => {
  await using lab = await Lab.open(t.signal);
  await writeFile(lab.path("bad.yaml"), 'devices:\n  board:\n    cmds:\n      wait: {}\n      "": 7\n');
  await writeFile(
    lab.path("odd.yaml"),
    "x-never: &never 1\ndevices: {board: {cmds: {wait: {uses: [{module: time-wait}]}}}}\n",
  );
  const check = async (file: string) => {
    const { code, stdout, stderr } = await lab.start("dutagent", ["-check-config", "-log", "info", "-c", file]).ended;
    return { code, stdout, stderr: stderr.replace(/^.*loading.*\n/, "").replace(/^\S+ \S+ (?=[A-Z]+ +\[)/gm, "") };
  };
  assert.deepEqual(
    [await check("bad.yaml"), await check("odd.yaml"), await check("none.yaml")],
    [
      {
        code: 1,
        stdout: "",
        stderr: `bad.yaml:4:7: devices.board.cmds.wait: command must have at least one module, under uses:
bad.yaml:5:7: devices.board.cmds."": name must not be empty
bad.yaml:5:7: devices.board.cmds."": command must have at least one module, under uses:
bad.yaml:5:11: devices.board.cmds."": expected a mapping with desc, args, uses, timeout, retries, retry-after, found 7
ERROR [agent] bad configuration path=bad.yaml problems=4
`,
      },
      {
        code: 0,
        stdout: "",
        stderr: `odd.yaml:1:17: warning: x-never: the anchor &never is never used; write *never where it belongs, or remove it
INFO  [agent] configuration is valid path=odd.yaml warnings=1
`,
      },
      {
        code: 1,
        stdout: "",
        stderr: `cannot read none.yaml: no such file or directory (name the configuration file with -c)
ERROR [agent] bad configuration path=none.yaml problems=1
`,
      },
    ],
  );
});

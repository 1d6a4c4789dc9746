import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtempDisposable, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { dutctl, type Ended } from "../test/recorded-world.ts";
import { ScriptedAgent } from "../test/scripted-agent.ts";

/** A home with a configuration file, or without one. */
async function homeWith(text?: string) {
  const home = await mkdtempDisposable(join(tmpdir(), "config-"));
  const path = join(home.path, ".config/dutctl/config.yaml");
  if (text !== undefined) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return {
    path,
    run: (argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
      dutctl(argv, { env: { HOME: home.path, USER: "alice", ...env } }),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

test("contexts are set, shown, chosen and removed, and the file is its owner's alone", async () => {
  await using home = await homeWith();
  const { run, path } = home;
  const ended = [];
  for (const words of [
    ["list"],
    ["set", "lab", "server=lab:7", "user=alice@desk"],
    ["set", "bench", "server=unix:/run/x.sock"],
    ["use", "bench"],
    ["set", "format=json", "grace=5m"],
    ["set", "grace="],
    ["list"],
    ["show"],
    ["remove", "bench"],
    ["list"],
  ]) {
    const { code, stdout, stderr } = await run(["-f", "oneline", "config", ...words]);
    ended.push([code, stdout.replace(/^[^,]*,/, ""), stderr.replace(/^[^,]*,/, "").replace(path, "FILE")]);
  }
  const mode = (await stat(path)).mode & 0o777;
  assert.deepEqual(
    [ended, await readFile(path, "utf8"), mode],
    [
      [
        [
          0,
          "context-list,INFO,\n",
          'notice,INFO,"no contexts in FILE; dutctl config set NAME server=ADDRESS makes one"\n',
        ],
        [0, "", 'notice,INFO,"set in context ""lab"" of FILE"\n'],
        [0, "", 'notice,INFO,"set in context ""bench"" of FILE"\n'],
        [0, "", 'notice,INFO,"""bench"" is the current context"\n'],
        [0, "", 'notice,INFO,"set in context ""bench"" of FILE"\n'],
        [0, "", 'notice,INFO,"set in context ""bench"" of FILE"\n'],
        [0, "context-list,INFO,lab|bench=current\n", ""],
        [0, "context-list,INFO,bench=current\n", ""],
        [0, "", 'notice,INFO,"removed the current context, ""bench"""\n'],
        [0, "context-list,INFO,lab\n", ""],
      ],
      "contexts:\n  lab:\n    server: lab:7\n    user: alice@desk\n",
      0o600,
    ],
  );
});

test("comments and what is not changed stay", async () => {
  const text =
    "# ours\ncurrent: lab # for now\ncontexts:\n  # the room\n  lab: { server: lab:7 }\n  old:\n    user: '007'\n";
  await using home = await homeWith(text);
  await home.run(["config", "set", "old", "server=old:9"]);
  assert.equal(await readFile(home.path, "utf8"), `${text}    server: old:9\n`);
});

test("a wrong value is refused, and nothing is written", async () => {
  await using home = await homeWith("contexts:\n  lab:\n    server: lab:7\n");
  const { code, stderr } = await home.run(["config", "set", "lab", "format=xml"]);
  assert.deepEqual(
    [code, stderr, await readFile(home.path, "utf8")],
    [
      2,
      '✗ invalid value "xml" for key format: must be text, json, jsonl, yaml or oneline\n',
      "contexts:\n  lab:\n    server: lab:7\n",
    ],
  );
});

const mistakes: readonly (readonly [text: string, message: string])[] = [
  ["- a\n", "FILE:1: a configuration is a mapping with the keys current and contexts"],
  ["\ncontext: {}\n", 'FILE:2: unknown key "context"; did you mean contexts?'],
  ["current: lab\ncontexts:\n  lap: {}\n", 'FILE:1: current: no context "lab"; did you mean "lap"?'],
  ["contexts: 7\n", "FILE:1: contexts must be a mapping of names to contexts"],
  ["contexts:\n  lab:\n    sever: x\n", 'FILE:3: unknown key "sever"; did you mean server?'],
  ["contexts:\n  lab:\n    server: [x]\n", "FILE:3: server must be a single value"],
  [
    "contexts:\n  lab: x\n  b: y\n",
    'FILE:2: context "lab" must be a mapping of keys to values\nFILE:3: context "b" must be a mapping of keys to values',
  ],
  [
    "contexts:\n  a b: {}\n",
    'FILE:2: "a b" is no name for a context: it has letters, digits, dots, dashes and underscores',
  ],
];

for (const [text, message] of mistakes) {
  test(`a file with ${JSON.stringify(text)} is refused with its line`, async () => {
    await using home = await homeWith(text);
    const { code, stdout, stderr } = await home.run(["list"]);
    assert.deepEqual(
      [code, stdout, stderr.replaceAll(home.path, "FILE")],
      [2, "", `${message} (correct it; dutctl help config-file shows a whole file)\n`],
    );
  });
}

test("a wrong setting is named by its file, line and context", async () => {
  await using home = await homeWith("current: lab\ncontexts:\n  lab:\n    timeout: soon\n");
  const { code, stderr } = await home.run(["list"]);
  const place = `timeout of context "lab" (${home.path}:4)`;
  assert.deepEqual(
    [code, stderr],
    [2, `invalid value "soon" for ${place}: must be a duration such as 90s, 5m or 1h30m\n`],
  );
});

test("a file that is wrong does not keep help, version and completion scripts from working", async () => {
  await using home = await homeWith("nonsense");
  const codes = [];
  for (const words of [["help"], ["version"], ["completion", "bash"], ["-h"], ["__complete", "li"]]) {
    codes.push((await home.run(words)).code);
  }
  assert.deepEqual(codes, [0, 0, 0, 0, 0]);
});

test("a flag goes before the environment, that before the current context, and a context of a flag before both", async () => {
  await using agent = await ScriptedAgent.start({ list: () => ({ devices: [{ name: "dev1" }] }) });
  const { address } = agent;
  await using home = await homeWith(
    `current: lab\ncontexts:\n  lab:\n    server: ${address}\n    format: oneline\n  far:\n    server: 127.0.0.1:1\n    format: yaml\n`,
  );
  const shape = async (argv: string[], env = {}) => {
    const { code, stdout } = await home.run(argv, env);
    return `${code} ${stdout.slice(0, 5).replace(/\n.*/s, "")}`;
  };
  assert.deepEqual(
    [
      await shape([]),
      await shape([], { DUTCTL_FORMAT: "text" }),
      await shape(["-f", "json"], { DUTCTL_FORMAT: "text" }),
      await shape([], { DUTCTL_CONTEXT: "far" }),
      await shape([], { DUTCTL_CONTEXT: "far", DUTCTL_SERVER: address }),
      await shape(["-context", "lab"], { DUTCTL_CONTEXT: "far", DUTCTL_FORMAT: "text" }),
      await shape([], { DUTCTL_SERVER: "127.0.0.1:1" }),
    ],
    ["0 2026-", "0 - dev", "0 {", "121 ", "0 ---", "0 2026-", "121 "],
  );
});

test("an unknown context is named with its source and what is near", async () => {
  await using home = await homeWith("contexts:\n  lab: {}\n");
  const flag = await home.run(["-context", "lap", "list"]);
  const variable = await home.run(["list"], { DUTCTL_CONTEXT: "zebra" });
  assert.deepEqual(
    [flag.code, flag.stderr, variable.code, variable.stderr],
    [
      2,
      `flag -context: no context "lap" in ${home.path} (did you mean "lab"?)\n`,
      2,
      `DUTCTL_CONTEXT: no context "zebra" in ${home.path} (dutctl config set zebra server=ADDRESS makes one)\n`,
    ],
  );
});

test("without a configuration file nothing of the YAML parser is loaded", async (t) => {
  await using home = await homeWith();
  await using agent = await ScriptedAgent.start({ list: () => ({ devices: [] }) });
  const watch = `import { registerHooks } from "node:module";
registerHooks({ resolve(name, context, next) { if (name === "yaml") console.error("loaded"); return next(name, context); } });`;
  const program = join(import.meta.dirname, "../dutctl.ts");
  const env = { ...process.env, HOME: dirname(dirname(dirname(home.path))), XDG_CONFIG_HOME: "" };
  const words = ["--import", `data:text/javascript,${encodeURIComponent(watch)}`, program, "-s", agent.address];
  const list = await promisify(execFile)(process.execPath, [...words, "list"], { env, signal: t.signal });
  const config = await promisify(execFile)(process.execPath, [...words, "config"], { env, signal: t.signal });
  assert.deepEqual([list.stderr, config.stderr.split("\n")[0]], ["", "loaded"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { defineModule } from "#pkg/modules/module.ts";
import { ConfigError } from "./config-error.ts";
import { longestConfig, parseConfig } from "./parse-config.ts";

const status = defineModule({
  name: "status",
  summary: "",
  config: z.strictObject({}),
  help: () => "help",
  open: () => Promise.reject(new Error("not opened")),
});

const valid = "devices:\n  board:\n    cmds:\n      status:\n        uses:\n          - module: status\n";

function problemsOf(text: string): string {
  try {
    return JSON.stringify([...parseConfig("f", text, [status]).devices.keys()]);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message;
    }
    throw error;
  }
}

test("a configuration keeps devices and commands under their names and the configured module with each", () => {
  const command = parseConfig("f", valid, [status]).devices.get("board")?.commands.get("status");
  const { name, arguments: declared, uses } = command ?? assert.fail();
  assert.deepEqual(
    { name, declared, uses: uses.map((use) => ({ ...use, module: use.module.help })) },
    { name: "status", declared: [], uses: [{ module: "help", when: "success", passthrough: false, args: [] }] },
  );
});

test("a device is another one when the course of a command changes", () => {
  const fingerprintWith = (keys: string, ofUse: string) =>
    parseConfig("f", `devices: { d: { cmds: { c: { ${keys} uses: [{ ${ofUse} module: status }] } } } }`, [
      status,
    ]).devices.get("d")?.fingerprint;
  const given = [
    ["", ""],
    ["timeout: 1s,", ""],
    ["timeout: 2s,", ""],
    ["retries: 1,", ""],
    ["retries: 1, retry-after: 1s,", ""],
    ["", "when: always,"],
  ] as const;
  const fingerprints = given.map(([keys, ofUse]) => fingerprintWith(keys, ofUse));
  assert.equal(new Set(fingerprints).size, given.length);
});

test("a byte order mark and the line ends of Windows make no difference", () => {
  assert.equal(problemsOf(`\uFEFF${valid.replaceAll("\n", "\r\n")}`), '["board"]');
  assert.equal(
    problemsOf("version: 1\r\ndevice: {}\r\ndevices: {}\r\n").split("\n")[1],
    "f:3:1: devices: devices must not be empty",
  );
});

test("a ConfigError has its problems as data, in the order of the text", () => {
  assert.throws(
    () => parseConfig("f", "devices: {list: {}}\nextra: 1\n", [status]),
    (thrown) => {
      assert(thrown instanceof ConfigError);
      assert.deepEqual(
        thrown.problems.map(({ line, column, path }) => ({ line, column, path })),
        [
          { line: 1, column: 11, path: "devices.list" },
          { line: 1, column: 11, path: "devices.list" },
          { line: 2, column: 1, path: "extra" },
        ],
      );
      return true;
    },
  );
});

test("nothing in a message can steer a terminal", () => {
  const text = 'devices:\n  "\\e]0;x\\a":\n    "\\e[31m": "\\e"\n';
  assert.doesNotMatch(problemsOf(text), /[^\P{Cc}\n]/u);
});

test("what is too long, too deep or broken over and over is refused in a few lines", () => {
  const texts = [
    "#".repeat(longestConfig + 1),
    "[".repeat(20_000),
    `a: ${"[".repeat(3000)}${"]".repeat(3000)}`,
    "\t]\n".repeat(5000),
  ];
  assert.deepEqual(
    texts.map((text) => problemsOf(text).split("\n").length <= 21),
    texts.map(() => true),
  );
  assert.equal(problemsOf(texts[0] as string), "f:1:1: a configuration of more than 1048576 bytes is not read");
});

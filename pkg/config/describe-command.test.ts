import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandConfig, ModuleUse } from "./config.ts";
import { describeCommand } from "./describe-command.ts";

const use = (name: string, passthrough: boolean): ModuleUse => ({
  module: { name, help: `help of ${name}`, resources: [], open: () => Promise.reject(new Error("not opened")) },
  passthrough,
  args: [],
});

const described = (parts: Partial<CommandConfig>) =>
  describeCommand({ name: "command", description: "never shown", arguments: [], uses: [], ...parts });

test("a passthrough command is described by the module that takes the arguments", () => {
  assert.equal(described({ uses: [use("a", false), use("b", true)] }), "help of b");
});

test("a static command is described by its modules", () => {
  assert.equal(described({ uses: [use("a", false), use("b", false)] }), "Command with 2 module(s): a, b");
});

test("a templated command is described by its modules and its arguments", () => {
  const declared = [
    { name: "pin", description: "the line" },
    { name: "level", description: "" },
  ];
  assert.equal(
    described({ uses: [use("a", false)], arguments: declared }),
    "Command with 1 module(s): a\n\nArguments:\n  pin: the line\n  level: \n",
  );
});

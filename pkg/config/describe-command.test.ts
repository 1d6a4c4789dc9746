import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandConfig, ModuleUse, When } from "./config.ts";
import { describeCommand } from "./describe-command.ts";

const use = (name: string, passthrough: boolean, when: When = "success"): ModuleUse => ({
  module: {
    name,
    help: `help of ${name}`,
    resources: [],
    claims: [],
    shellArguments: [],
    open: () => Promise.reject(new Error("not opened")),
  },
  when,
  passthrough,
  args: [],
});

const described = (parts: Partial<CommandConfig>) =>
  describeCommand({
    name: "command",
    description: "never shown",
    arguments: [],
    uses: [],
    timeoutMs: undefined,
    retries: 0,
    retryAfterMs: undefined,
    ...parts,
  });

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

test("the time limit, the retries and the conditions of a command stand below what it is", () => {
  assert.equal(
    described({
      uses: [use("pdu", false), use("flash", true), use("notify", false, "failure"), use("pdu", false, "always")],
      timeoutMs: 600_000,
      retries: 2,
      retryAfterMs: 2_000,
    }),
    `help of flash

An attempt may take 10m0s.
There are at most 3 attempts, with 2s in between.
Step 3 of 4, module notify, runs only after a failure.
Step 4 of 4, module pdu, runs in any case.`,
  );
});

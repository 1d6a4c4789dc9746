import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import type { CommandConfig } from "./config.ts";
import { resolveArguments } from "./resolve-arguments.ts";

function command(
  declared: readonly string[],
  uses: readonly { passthrough?: boolean; args?: readonly string[] }[],
): CommandConfig {
  const module = {
    name: "module",
    help: "",
    resources: [],
    claims: [],
    shellArguments: [],
    open: () => Promise.reject(new Error("not opened")),
  };
  return {
    name: "command",
    description: "",
    timeoutMs: undefined,
    retries: 0,
    retryAfterMs: undefined,
    arguments: declared.map((name) => ({ name, description: "" })),
    uses: uses.map(({ passthrough = false, args = [] }) => ({
      module,
      when: "success",
      passthrough,
      args: args.map((text) => ({ text, quoted: false })),
    })),
  };
}

const messageFrom = (act: () => unknown): string => {
  try {
    return JSON.stringify(act());
  } catch (error) {
    return explain(error);
  }
};

test("a static command gives its own arguments and takes none", () => {
  const home = command([], [{ args: [`echo $HOME $\${HOME}`] }, {}]);
  assert.deepEqual(resolveArguments(home, []), [[`echo $HOME \${HOME}`], []]);
  assert.equal(
    messageFrom(() => resolveArguments(home, ["x"])),
    "arguments provided but command has neither a passthrough module nor declared arguments to receive them (run it without arguments)",
  );
});

test("a passthrough module gets what the user types as it is, beside static ones", () => {
  const run = command([], [{ args: ["a"] }, { passthrough: true }]);
  assert.deepEqual(resolveArguments(run, ["", `\${x}`, `$\${x}`, "--flag"]), [
    ["a"],
    ["", `\${x}`, `$\${x}`, "--flag"],
  ]);
  assert.deepEqual(resolveArguments(run, []), [["a"], []]);
});

test("a templated command puts every argument in its place and wants exactly as many as it declares", () => {
  const set = command(["pin", "level"], [{ args: [`\${pin}=\${level}`, `\${level}`] }, { args: ["done"] }]);
  assert.deepEqual(resolveArguments(set, ["17", `\${pin}; id`]), [[`17=\${pin}; id`, `\${pin}; id`], ["done"]]);
  assert.deepEqual(
    [["17"], ["17", "on", "off"]].map((given) => messageFrom(() => resolveArguments(set, given))),
    ["expected 2 argument(s) but got 1 (give <pin> <level>)", "expected 2 argument(s) but got 3 (give <pin> <level>)"],
  );
});

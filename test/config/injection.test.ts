// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of configurations look like those of JavaScript
import assert from "node:assert/strict";
import { mkdtempDisposable, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { resolveArguments } from "#pkg/config/resolve-arguments.ts";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { silentLog } from "#pkg/log/log.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { injections } from "#test/support/injections.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";

function command(uses: string, args = "{name: x, desc: x}") {
  const text = `devices: {board: {cmds: {go: {args: [${args}], uses: [${uses}]}}}}`;
  const found = parseConfig("test.yaml", text, moduleKinds).devices.get("board")?.commands.get("go");
  assert.ok(found);
  return found;
}

/** The output of a command of one shell module for what a user types, or why it failed. */
async function said(shell: string, value: string): Promise<string> {
  const go = command(`{module: shell, args: [${JSON.stringify(shell)}]}`);
  const [args = []] = resolveArguments(go, [value]);
  const { call, transcript } = recordedCall(args);
  const context = { host: memoryHost({ processes: nodeProcesses() }), log: silentLog, signal: call.signal };
  await using open = await go.uses[0]?.module.open(context);
  const error = await open?.run(call).then(() => undefined, messageOf);
  return error ?? transcript.map((utterance) => ("stdout" in utterance ? utterance.stdout : "")).join("");
}

test("what a user types reaches the program of a shell command as one argument, whatever it is", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "injection-"));
  for (const value of injections(join(folder.path, "marker"))) {
    const shells = [
      "printf '<%s>' ${x}",
      "printf '<%s>' \"${x}\"",
      "printf '<%s>' '${x}'",
      'v="${x}"; printf "<%s>" "$v"',
    ];
    const outputs = await Promise.all(shells.map((shell) => said(shell, value)));
    assert.deepEqual(
      outputs,
      shells.map(() => `<${value}>`),
    );
  }
  assert.deepEqual(await readdir(folder.path), []);
});

test("what no program can be given is a sentence, and nothing is started", async () => {
  const messages = await Promise.all(["a\0b", "x".repeat(1 << 20)].map((value) => said("printf %s ${x}", value)));
  assert.deepEqual(
    messages.map((message) => /NUL|too long/.exec(message)?.[0]),
    ["NUL", "too long"],
  );
});

test("other modules, and uses marked unsafe, get what is typed as it is", () => {
  const go = command(
    '{module: time-wait, args: ["${x}", "a${x}"]}, {module: shell, unsafe: true, args: ["echo ${x}"]}, {module: shell, args: ["${x}", "${x}"]}',
  );
  const value = '\'; id; "$(id)"';
  assert.deepEqual(resolveArguments(go, [value]), [
    [value, `a${value}`],
    [`echo ${value}`],
    [`''\\''; id; "$(id)"'`, value],
  ]);
});

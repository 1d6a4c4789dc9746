import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { onTerminal, withoutTerminal } from "#test/support/on-terminal.ts";
import { type Script, ScriptedAgent } from "../test/scripted-agent.ts";

const program = `'${process.execPath}' '${join(import.meta.dirname, "../dutctl.ts")}'`;

/** Draws as a device may, and never ends. */
const deaf: Script = {
  run: async function* () {
    yield { msg: { case: "print", value: { text: Buffer.from("\x1b[31mred\x1b]52;c;x\x07\x1b[?1049h") } } };
    await new Promise(() => {});
  },
};

test("Ctrl-C twice ends dutctl with 130 at once, however long the command would take to stop, and the terminal is as it was", {
  skip: withoutTerminal,
}, async (t) => {
  await using agent = await ScriptedAgent.start(deaf);
  const run = `${program} -s ${agent.address} dev1 work`;
  await using child = onTerminal(
    `trap : INT; echo "before $(stty -g)"; ${run}; echo "code $?"; echo "after $(stty -g)"`,
    {
      signal: t.signal,
    },
  );
  await child.said("stdout", /red/);
  const begun = performance.now();
  child.process.stdin.write("\x03\x03");
  await child.said("stdout", /code/);
  const took = performance.now() - begun;
  const { stdout } = await child.ended;
  assert.deepEqual(
    {
      code: /code (\d+)/.exec(stdout)?.[1],
      settings: /after (\S+)/.exec(stdout)?.[1],
      reset: stdout.replaceAll("^C", "").includes("red\x1b[0m"),
      steered: stdout.includes("\x1b]52") || stdout.includes("1049"),
    },
    { code: "130", settings: /before (\S+)/.exec(stdout)?.[1], reset: true, steered: false },
  );
  t.diagnostic(`took ${took.toFixed(0)} ms`);
  // A client that waited for the command would wait for 45 s.
  assert.ok(took < 10_000, `took ${took} ms`);
});

test("the second Ctrl-C says on a line of its own that the command may still be stopping", {
  skip: withoutTerminal,
}, async (t) => {
  await using agent = await ScriptedAgent.start({}, undefined, {
    runs: {
      run: async function* () {
        yield { msg: { case: "started", value: { inputWindow: 65_536n, fileWindow: 65_536n } } };
        yield { msg: { case: "print", value: Buffer.from("login: ") } };
        await new Promise(() => {});
      },
    },
  });
  await using child = onTerminal(`trap : INT; ${program} -s ${agent.address} dev1 work; echo "code $?"`, {
    signal: t.signal,
  });
  await child.said("stdout", /login: /);
  child.process.stdin.write("\x03");
  await child.said("stdout", /leaves at once[^\n]*\n/);
  child.process.stdin.write("\x03");
  const { stdout } = await child.ended;
  // The kernel sends the signal before it echoes the key, and so may show that behind what the signal has led to.
  assert.match(
    stdout.replaceAll("^C", ""),
    /leaves at once\S*\r\n\r\nleft at once; the command may still be stopping\r\ncode 130\r\n$/,
  );
});

import assert from "node:assert/strict";
import { mkdtempDisposable, readFile, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import type { Child } from "#test/support/child.ts";
import { onTerminal, withoutTerminal } from "#test/support/on-terminal.ts";

const program = `'${process.execPath}' '${join(import.meta.dirname, "../../../test/programs/console.ts")}'`;
const skip = { skip: withoutTerminal };

/** The console on a terminal, with the terminal's settings told before and behind it. */
function consoleOn(mode: "raw" | "cooked", signal: AbortSignal): Child {
  const script = `trap : INT; echo "before $(stty -g)"; ${program} ${mode}; echo "code $?"; echo "after $(stty -g)"`;
  return onTerminal(script, { signal });
}

async function pidOf(child: Child): Promise<number> {
  return Number((await child.said("stdout", /ready (\d+)/))[1]);
}

/** Types a word and waits until it is done. */
async function doing(child: Child, word: string): Promise<void> {
  child.process.stdin.write(child.stdout.includes("[dutctl]") ? word : `${word}\n`);
  await child.said("stdout", new RegExp(`did ${word}`));
}

/** How it ended, and what the terminal was given behind the word that was done last. */
async function outcome(child: Child, lastWord: string) {
  const { stdout } = await child.ended;
  const before = /before (\S+)/.exec(stdout)?.[1];
  const after = /after (\S+)/.exec(stdout)?.[1];
  return {
    code: Number(/code (\d+)/.exec(stdout)?.[1]),
    settingsAsBefore: before !== undefined && before === after,
    undone: stdout.slice(stdout.indexOf(`did ${lastWord}`)),
  };
}

/** What undoes the word `draw`, in this order. */
const undoing = "\x1b[?25h\x1b[?2004l\x1b[?1000l\x1b7\x1b[r\x1b8\x1b>\x1b(B\x1b[0m\x1b[?1049l";

const waysOut: readonly [way: string, code: number, leave: (child: Child, pid: number) => void][] = [
  ["it ends by itself", 130, (child) => child.process.stdin.write("end")],
  ["the user leaves by Ctrl-A x", 0, (child) => child.process.stdin.write("\x01x")],
  ["it exits", 3, (child) => child.process.stdin.write("exit")],
  ["nobody catches an error", 1, (child) => child.process.stdin.write("error")],
  ["SIGINT", 130, (_, pid) => process.kill(pid, "SIGINT")],
  ["SIGTERM", 130, (_, pid) => process.kill(pid, "SIGTERM")],
  ["SIGHUP", 130, (_, pid) => process.kill(pid, "SIGHUP")],
  ["SIGQUIT", 131, (_, pid) => process.kill(pid, "SIGQUIT")],
];

for (const [way, code, leave] of waysOut) {
  test(`the terminal is put back when ${way}`, skip, async (t) => {
    await using child = consoleOn("raw", t.signal);
    const pid = await pidOf(child);
    await doing(child, "draw");
    leave(child, pid);
    const { undone, ...ended } = await outcome(child, "draw");
    assert.deepEqual(
      { ...ended, times: undone.split(undoing).length - 1 },
      { code, settingsAsBefore: true, times: 1 },
      JSON.stringify(undone),
    );
  });
}

test("Ctrl-C twice ends a command of lines at once, with its colours undone", skip, async (t) => {
  await using child = consoleOn("cooked", t.signal);
  await pidOf(child);
  await doing(child, "stubborn");
  await doing(child, "loud");
  child.process.stdin.write("\x03");
  // It does not end by itself.
  await child.said("stdout", /stopping/);
  child.process.stdin.write("\x03");
  const { undone, ...ended } = await outcome(child, "loud");
  assert.deepEqual({ ...ended, reset: undone.includes("\x1b[0m") }, { code: 130, settingsAsBefore: true, reset: true });
});

test("nothing is written to a terminal that nothing was done to", skip, async (t) => {
  await using child = consoleOn("cooked", t.signal);
  await pidOf(child);
  await doing(child, "title");
  child.process.stdin.write("\x04");
  const { stdout } = await child.ended;
  assert.equal(stdout.includes("\x1b"), false, JSON.stringify(stdout));
});

test("a terminal that is held does not hold up the end of the program", skip, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "held-"));
  const path = (name: string) => join(directory.path, name);
  await using child = onTerminal(`${program} cooked; ${codeTo(path("code"))}`, {
    signal: t.signal,
    env: { MARK: path("marked") },
  });
  const pid = await pidOf(child);
  await doing(child, "stubborn");
  const marked = made(path("marked"), t.signal);
  child.process.stdin.write("\x13mark\n");
  await marked;
  const code = made(path("code"), t.signal);
  process.kill(pid, "SIGTERM");
  process.kill(pid, "SIGHUP");
  await code;
  child.process.stdin.write("\x11");
  await child.ended;
  assert.equal(await readFile(path("code"), "utf8"), "130\n");
});

test("a raw terminal is put back while the program is stopped, and taken again when it goes on", skip, async (t) => {
  const mode = "$(stty -a | grep -o -e '-*icanon')";
  await using child = onTerminal(
    `set -m; ${program} raw; echo "stopped ${mode}"; fg; echo "code $?"; echo "ended ${mode}"`,
    { signal: t.signal },
  );
  const pid = await pidOf(child);
  await doing(child, "draw");
  process.kill(pid, "SIGTSTP");
  await child.said("stdout", /stopped icanon.*1049h.*resized 30 100/s);
  child.process.stdin.write("\x03");
  await child.said("stdout", /got 03/);
  child.process.stdin.write("\x01x");
  const { stdout } = await child.ended;
  assert.deepEqual(
    [stdout.split("\x1b[?1049l").length - 1, stdout.slice(stdout.lastIndexOf("code"))],
    [2, "code 0\r\nended icanon\r\n"],
  );
});

test("a terminal that is hung up ends the program", skip, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "hang-up-"));
  const path = join(directory.path, "code");
  await using child = onTerminal(`trap '' HUP; ${program} raw; ${codeTo(path)}`, { signal: t.signal });
  await pidOf(child);
  await doing(child, "draw");
  const code = made(path, t.signal);
  child.kill("SIGKILL");
  await code;
  assert.match(await readFile(path, "utf8"), /^(?:1|130)\n$/);
});

/** Shell words that write the code of the program before them into a file, which is there as soon as it is whole. */
function codeTo(path: string): string {
  return `echo "$?" > '${path}.part'; mv '${path}.part' '${path}'`;
}

/** Resolves when the file is made, after the call. */
async function made(path: string, signal: AbortSignal): Promise<void> {
  for await (const { filename } of watch(dirname(path), { signal })) {
    if (filename === basename(path)) {
      return;
    }
  }
}

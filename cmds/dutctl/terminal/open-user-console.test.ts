import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { onTerminal, withoutTerminal } from "#test/support/on-terminal.ts";

const path = join(import.meta.dirname, "../../../test/programs/console.ts");
const program = `'${process.execPath}' '${path}'`;
const skip = { skip: withoutTerminal };

/** What the terminal has shown behind the first words, from a pattern on. */
function behind(stdout: string, pattern: RegExp): string {
  return stdout.slice(stdout.search(pattern)).replaceAll("\r\n", "\n");
}

test("in raw mode every key goes to the device but those of the escape", skip, async (t) => {
  await using child = onTerminal(`${program} raw`, { signal: t.signal });
  await child.said("stdout", /ready/);
  for (const typed of ["\x03", "\x04", "\x1a", "\r", "\x11", "\x7f", "\x1b[A", "\x01\x01", "\x01q"]) {
    child.process.stdin.write(typed);
    await child.said(
      "stdout",
      new RegExp(`got ${Buffer.from(typed === "\x01\x01" ? "\x01" : typed).toString("hex")}\\s`),
    );
  }
  child.process.stdin.write("\x01?");
  await child.said("stdout", /both sent/);
  child.process.stdin.write("\x01x");
  const { code, stdout } = await child.ended;
  assert.deepEqual(
    [code, behind(stdout, /\[dutctl\] Ctrl-A x {5}/)],
    [
      0,
      "[dutctl] Ctrl-A x         leave: the command is cancelled\n[dutctl] Ctrl-A Ctrl-A    send one Ctrl-A\n" +
        "[dutctl] Ctrl-A ?         show these keys\n" +
        "[dutctl] Every other key is sent as it is pressed, Ctrl-C too; Ctrl-A and another key are both sent.\n",
    ],
  );
});

test("a line feed of a device stays where it is, one of our own begins a line", skip, async (t) => {
  await using child = onTerminal(`${program} raw`, { signal: t.signal });
  await child.said("stdout", /ready/);
  child.process.stdin.write("steps");
  await child.said("stdout", /did steps/);
  child.process.stdin.write("end");
  const { stdout } = await child.ended;
  assert.match(stdout, /device\ndevice\r\nprint\r\nprint\r\ndid steps\r\n/);
});

test("the size of the terminal is known, and every new one is told", skip, async (t) => {
  await using child = onTerminal(`echo "on $(tty)"; ${program} raw`, { signal: t.signal });
  const [, device = ""] = await child.said("stdout", /on (\S+)/);
  await child.said("stdout", /ready/);
  child.process.stdin.write("size");
  await child.said("stdout", /size \{"rows":30,"columns":100\}/);
  await promisify(execFile)("stty", ["-F", device, "rows", "40", "cols", "90"]);
  await child.said("stdout", /resized 40 90/);
  child.process.stdin.write("end");
  assert.equal((await child.ended).code, 130);
});

test("outside of raw mode lines come as they are ended, and Ctrl-D ends the input", skip, async (t) => {
  await using child = onTerminal(`${program} cooked`, { signal: t.signal });
  await child.said("stdout", /ready/);
  child.process.stdin.write("ab\x7fc\n");
  await child.said("stdout", /got 61630a/);
  child.process.stdin.write("\x04");
  const { code, stdout } = await child.ended;
  assert.deepEqual([code, behind(stdout, /got/)], [0, "got 61630a\nend of input\n"]);
});

test("raw mode can be left and taken again, and lines are lines meanwhile", skip, async (t) => {
  await using child = onTerminal(`${program} raw`, { signal: t.signal });
  await child.said("stdout", /ready/);
  child.process.stdin.write("cooked");
  await child.said("stdout", /did cooked/);
  child.process.stdin.write("a\x01xraw\n");
  await child.said("stdout", /got 610178726177/);
  await child.said("stdout", /did raw/);
  child.process.stdin.write("\x01x");
  assert.equal((await child.ended).code, 0);
});

test("what would steer the terminal is taken out, unless the user asks for everything", skip, async (t) => {
  const shown = async (words: string) => {
    await using child = onTerminal(`${program} ${words}`, { signal: t.signal });
    await child.said("stdout", /ready/);
    child.process.stdin.write("title");
    await child.said("stdout", /did title/);
    child.process.stdin.write("end");
    return (await child.ended).stdout.includes("\x1b]0;title\x07");
  };
  assert.deepEqual(await Promise.all([shown("raw"), shown("raw everything")]), [false, true]);
});

test("in a pipe bytes are what they are, and there is no raw mode", async () => {
  const running = promisify(execFile)(process.execPath, [path, "raw"], { encoding: "latin1" });
  running.child.stdin?.end("title draw \xff", "latin1");
  const { stdout, stderr } = await running;
  assert.deepEqual(
    [stdout, stderr.replace(/ready \d+/, "ready")],
    [
      "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1000h\x1b[1;5r\x1b=\x1b(0\x1b[31mX\x1b]0;title\x07",
      "ready\ngot 7469746c65206472617720ff\ndid draw\ndid title\ndid raw\nend of input\n",
    ],
  );
});

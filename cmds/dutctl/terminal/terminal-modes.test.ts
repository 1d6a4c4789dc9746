import assert from "node:assert/strict";
import { test } from "node:test";
import { PayloadFilter } from "./payload-filter.ts";
import { TerminalModes } from "./terminal-modes.ts";

/** What undoes an output, and what does it again. */
function undoing(output: string): [leave: string, resume: string] {
  const modes = new TerminalModes();
  new PayloadFilter(modes).filter(Buffer.from(output, "latin1"), "everything");
  return [modes.leave(), modes.resume()];
}

test("what was changed and not changed back is undone, the screen last", () => {
  assert.deepEqual(undoing("\x1b[?1049h\x1b[?25l\x1b[1;4m\x1b[?1;7l\x1b[3;9r\x1b[4h\x1b(0\x0e\x1b=\x1b[4 q"), [
    "\x1b[?25h\x1b[0m\x1b[?7h\x1b7\x1b[r\x1b8\x1b[4l\x1b(B\x0f\x1b>\x1b[0 q\x1b[?1049l",
    "\x1b[?1049h\x1b[?25l\x1b[1;4m\x1b[?7l\x1b[3;9r\x1b[4h\x1b(0\x0e\x1b=\x1b[4 q",
  ]);
});

test("what was changed back needs nothing", () => {
  const tidy =
    "\x1b[?1049h\x1b[?25l\x1b[?2004hx\x1b[31my\x1b[1;0m\x1b[2;5r\x1b[r\x1b[?2004l\x1b[?25h\x1b[?1049l\x1b(0\x1b(B";
  assert.deepEqual(
    [undoing(tidy), undoing("text\n"), undoing("\x1b[31m\x1b[?1000h\x1bc")],
    [
      ["", ""],
      ["", ""],
      ["", ""],
    ],
  );
});

test("a soft reset undoes what it is for, not the mouse and not the screen", () => {
  assert.deepEqual(undoing("\x1b[?1049h\x1b[?1000h\x1b[?25l\x1b[31m\x1b[2;5r\x1b[!p")[0], "\x1b[?1000l\x1b[?1049l");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { EscapeFilter } from "./escape-filter.ts";

const cases: readonly [string, string, string][] = [
  ["text", "plain ü text\r\n", "plain ü text\r\n"],
  ["colours", "a\x1b[1;31mred\x1b[0mb", "aredb"],
  ["private modes and intermediates", "a\x1b[?25h\x1b[2 qb", "ab"],
  ["a sequence that a new one interrupts", "a\x1b[1;\x1b[0mb", "ab"],
  ["a sequence that a control byte aborts, which stays", "a\x1b[1;\nb", "a\nb"],
  ["a sequence with a parameter after an intermediate, which stays", "a\x1b[ 1b", "a1b"],
  ["a title that a bell ends", "a\x1b]0;title\x07b", "ab"],
  ["a title that a terminator ends", "a\x1b]0;title\x1b\\b", "ab"],
  ["a device control string, which a bell does not end", "a\x1bPq\x07x\x1b\\b", "ab"],
  ["an eight-bit terminator", "a\x1b_x\x9cb", "ab"],
  ["an escape inside of a string", "a\x1b^x\x1b\x1b\\b", "ab"],
  ["a two-byte escape", "a\x1bcb", "ab"],
  ["an escape at the end", "a\x1b", "a"],
  ["a string that never ends", "a\x1bXrest", "a"],
];

for (const [what, from, to] of cases) {
  test(`${what}: filtered in one piece and byte by byte`, () => {
    const bytes = Buffer.from(from, "latin1");
    const whole = new EscapeFilter();
    const cut = new EscapeFilter();
    const filtered = (filter: EscapeFilter, piece: Uint8Array) => Buffer.from(filter.write(piece)).toString("latin1");
    assert.deepEqual(
      [filtered(whole, bytes), Array.from(bytes, (byte) => filtered(cut, Buffer.of(byte))).join("")],
      [to, to],
    );
  });
}

test("an unfinished sequence of more than 16 KiB is forgotten, and what follows is text", () => {
  const filter = new EscapeFilter();
  const shown = ["a\x1b]", "x".repeat(16 * 1024), "b"].map((piece) => String(filter.write(Buffer.from(piece))));
  assert.deepEqual(shown, ["a", "", "b"]);
});

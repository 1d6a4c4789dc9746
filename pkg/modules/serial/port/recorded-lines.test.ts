import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordedLines, renderNote } from "./recorded-lines.ts";

const [first, second] = ["2026-03-01T12:00:00.123Z", "2026-03-01T12:00:01.500Z"] as const;

test("a line has the time at which it began, and what goes on later has a mark of its own", () => {
  const lines = new RecordedLines();
  const written = [
    lines.write(Buffer.from("one\r\ntw"), new Date(first)),
    lines.write(Buffer.from("o\r\nlogin: "), new Date(second)),
    lines.break(),
    lines.write(Buffer.from("root\r\n\r\n"), new Date(second)),
    lines.break(),
    renderNote("gone\nsoon", new Date(second)),
  ];
  assert.deepEqual(written, [
    `${first} | one\n`,
    `${first} | two\n`,
    `${second} | login: \n`,
    `${second} + root\n${second} | \n`,
    "",
    `${second} # gone\\x0asoon\n`,
  ]);
});

test("bytes that are no text of one line are written so that no line can be forged and nothing steers a terminal", () => {
  const lines = new RecordedLines();
  const hostile = Buffer.concat([Buffer.from("a\x07\x9b ü\u2028b\rc\n"), Buffer.from([0xff, 0x41, 0xc3, 0x0a])]);
  assert.equal(
    lines.write(hostile, new Date(first)),
    `${first} | a\\x07\\xc2\\x9b ü\\xe2\\x80\\xa8b\\x0dc\n${first} | \\xffA\\xc3\n`,
  );
});

test("a line without an end is cut every 4 KiB", () => {
  const lines = new RecordedLines();
  const text = lines.write(Buffer.from(`${"x".repeat(9_000)}\n`), new Date(first));
  assert.deepEqual(
    text.split("\n").map((line) => [line.charAt(25), line.length]),
    [
      ["|", 4_096 + 27],
      ["+", 4_096 + 27],
      ["+", 808 + 27],
      ["", 0],
    ],
  );
});

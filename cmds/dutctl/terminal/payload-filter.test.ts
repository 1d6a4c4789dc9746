import assert from "node:assert/strict";
import { test } from "node:test";
import { type Allowance, PayloadFilter } from "./payload-filter.ts";
import { TerminalModes } from "./terminal-modes.ts";

/** What comes out of a fresh filter when the bytes come in these pieces. */
function passed(allowance: Allowance, ...pieces: readonly Uint8Array[]): string {
  const filter = new PayloadFilter(new TerminalModes());
  return Buffer.concat([...pieces.map((piece) => filter.filter(piece, allowance)), filter.end()]).toString("latin1");
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
const utf8 = (text: string) => Buffer.from(text).toString("latin1");
const mark = utf8("\ufffd");

/** Bytes that a device sends, and what of them a terminal is given by a plain command and by an interactive one. */
const corpus: readonly [what: string, sent: string, plain: string, interactive: string][] = [
  ["text, tabs, backspaces and line ends", "a\tb\b\r\nc\n", "a\tb\b\r\nc\n", "a\tb\b\r\nc\n"],
  ["text of all languages", utf8("ä漢😀e\u0301\u200d"), utf8("ä漢😀e\u0301\u200d"), utf8("ä漢😀e\u0301\u200d")],
  ["colours", "\x1b[1;31mred\x1b[38:2:1:2:3m\x1b[m", "\x1b[1;31mred\x1b[38:2:1:2:3m\x1b[m", "\x1b[1;31mred\x1b[38:2:1:2:3m\x1b[m"],
  ["the bell", "a\x07b", "ab", "a\x07b"],
  ["clipboard, ended by BEL", "a\x1b]52;c;aGk=\x07b", "ab", "ab"],
  ["clipboard, ended by ST", "a\x1b]52;c;aGk=\x1b\\b", "ab", "ab"],
  ["a title", "a\x1b]0;owned\x07b\x1b]2;owned\x1b\\c", "abc", "abc"],
  ["a link", "\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\", "text", "text"],
  ["DCS: settings asked for, sixels, terminfo", "a\x1bP$qm\x1b\\b\x1bPq#0\x1b\\c\x1bP+q544e\x1b\\d", "abcd", "abcd"],
  ["APC, PM and SOS", "a\x1b_x\x1b\\b\x1b^x\x1b\\c\x1bXx\x1b\\d", "abcd", "abcd"],
  ["a clipboard inside of what tmux passes on", "a\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\b", "ab", "ab"],
  ["questions for what the terminal is", "a\x1b[c\x1b[0c\x1b[>c\x1b[=c\x1bZ\x05b\x1b[>q", "ab", "ab"],
  ["questions for its state", "a\x1b[5n\x1b[6n\x1b[?6n\x1b[?25$p\x1b[x\x1b[?u\x1b[?4mb", "ab", "ab"],
  ["checksums of what is on the screen", "a\x1b[1;1;1;1;9;9*yb", "ab", "ab"],
  ["windows: size, title, icon", "a\x1b[21t\x1b[18t\x1b[8;1;1t\x1b[2tb", "ab", "ab"],
  ["the printer", "a\x1b[5i\x1b[4ib", "ab", "ab"],
  ["keyboard protocols and mode 20", "a\x1b[>4;1m\x1b[>1u\x1b[=1u\x1b[20h\x1b[2hb", "ab", "ab"],
  ["reset, alignment test, 8-bit controls, other character sets", "a\x1bc\x1b#8\x1b G\x1b%@\x1b(>\x1bnb", "ab", "ab"],
  ["erasing what was scrolled away", "a\x1b[3J\x1b[03Jb", "ab", "ab"],
  ["cursor moves", "\x1b[5;1H\x1b[2A\x1b[Gx\x1b7\x1b8\x1bM", "x", "\x1b[5;1H\x1b[2A\x1b[Gx\x1b7\x1b8\x1bM"],
  ["erasing, inserting, deleting", "\x1b[2J\x1b[K\x1b[3P\x1b[4@\x1b[Mx", "x", "\x1b[2J\x1b[K\x1b[3P\x1b[4@\x1b[Mx"],
  ["scroll regions", "\x1b[2;10rx\x1b[r", "x", "\x1b[2;10rx\x1b[r"],
  ["the modes of full-screen programs", "\x1b[?1049h\x1b[?25l\x1b[?1;2004hx", "x", "\x1b[?1049h\x1b[?25l\x1b[?1;2004hx"],
  ["modes of both kinds at once", "\x1b[?25;3;52lx", "x", "\x1b[?25lx"],
  ["keypad, line drawing, cursor style", "\x1b=\x1b(0q\x1b(B\x1b>\x0e\x0f\x1b[2 q", "q", "\x1b=\x1b(0q\x1b(B\x1b>\x0e\x0f\x1b[2 q"],
  ["numbers without end", "\x1b[999999999bx\x1b[123456m", "x", "x"],
  ["C1 as UTF-8: CSI, OSC, DCS, NEL", utf8("\u009b31mx\u009d0;t\x07y\u0090q\u009cz\u0085"), "\x1b[31mxyz", "\x1b[31mxyz\x1bE"],
  ["C1 as bytes", "\x9b2Jx\x9d0;t\x07y", `${mark}2Jx${mark}0;ty`, `${mark}2Jx${mark}0;t\x07y`],
  ["bidirectional overrides", utf8("a\u202eb\u2066c\u2069d"), "abcd", "abcd"],
  ["bytes that are no UTF-8", "a\xffb\xc3(\xe2\x82A\xc0\xaf\xed\xa0\x80", `a${mark}b${mark}(${mark}A${mark.repeat(5)}`, `a${mark}b${mark}(${mark}A${mark.repeat(5)}`],
  ["a character that is cut off", "a\xf0\x9f\x98", `a${mark}`, `a${mark}`],
  ["a sequence that is cut off", "a\x1b[31", "a", "a"],
  ["a sequence that another one begins in", "a\x1b[3\x1b[1mb", "a\x1b[1mb", "a\x1b[1mb"],
  ["a sequence that is given up", "a\x1b[3\x18b\x1b]0;x\x1ac", "abc", "abc"],
  ["a control inside of a sequence", "a\x1b[3\n1mb", "a\n\x1b[31mb", "a\n\x1b[31mb"],
  ["a character inside of a sequence", `a\x1b[3${utf8("ä")}1mb`, `a${utf8("ä")}1mb`, `a${utf8("ä")}1mb`],
  ["a string that is never ended takes its line and no more", "a\x1b]0;title\nb", "a\nb", "a\nb"],
  ["NUL, DEL and other controls", "a\0\x7f\x01\x11\x13\x1cb", "ab", "ab"],
]; // biome-ignore format: one look

for (const [what, sent, plain, interactive] of corpus) {
  test(`on a terminal: ${what}`, () => {
    assert.deepEqual(
      { plain: passed("plain", latin1(sent)), interactive: passed("interactive", latin1(sent)) },
      { plain, interactive },
    );
  });
}

test("wherever the bytes are split, the same comes out", () => {
  const all = latin1(corpus.map(([, sent]) => sent).join("\r\n\x18"));
  for (const allowance of ["plain", "interactive"] as const) {
    const whole = passed(allowance, all);
    for (let at = 0; at <= all.length; at++) {
      assert.equal(passed(allowance, all.subarray(0, at), all.subarray(at)), whole);
    }
    assert.equal(passed(allowance, ...Array.from(all, (byte) => Uint8Array.of(byte))), whole);
  }
});

test("what is shown before a split is not held back", () => {
  const filter = new PayloadFilter(new TerminalModes());
  const pieces = ["login: ", "\xc3", "\xa4\x1b[3", "1mred"].map((piece) =>
    Buffer.from(filter.filter(latin1(piece), "plain")).toString(),
  );
  assert.deepEqual(pieces, ["login: ", "", "ä", "\x1b[31mred"]);
});

test("everything passes when the user asks for it", () => {
  const all = latin1(corpus.map(([, sent]) => sent).join(""));
  assert.equal(passed("everything", all.subarray(0, 100), all.subarray(100)), all.toString("latin1"));
});

test("a string or a sequence without end does not swallow output for ever", () => {
  const string = passed("plain", latin1("\x1b]52;c;"), Buffer.alloc(64 * 1024 + 1, "A"), latin1("shown"));
  const sequence = passed("plain", latin1("\x1b["), Buffer.alloc(300, "1"), latin1("mshown"));
  assert.deepEqual([string.endsWith("shown"), string.length < 20, sequence], [true, true, `${"1".repeat(43)}mshown`]);
});

const printable = "[^\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]";
const safe = {
  plain: new RegExp(`^(?:${printable}|[\\b\\t\\n\\r]|\\x1b\\[[0-9;:]*m)*$`, "u"),
  interactive: new RegExp(
    `^(?:${printable}|[\\x07-\\x0f]|\\x1b[78DEHM=>]|\\x1b[()*+][0AB]|\\x1b\\[[0-9;:]*m|\\x1b\\[[0-9;]*[A-MPSTXZ\`abdefghlrsu@]|\\x1b\\[\\?[0-9;]+[hl]|\\x1b\\[[0-9;]* q|\\x1b\\[[0-9;]*!p)*$`,
    "u",
  ),
};

test("nothing but text and permitted sequences comes out of a million hostile bytes", () => {
  const pieces = ["\x1b", "[", "]", "P", "?", ">", "5", "25", ";", ":", " ", "$", "!", "m", "h", "n", "c", "t", "J", "\x07", "\\", "\n", "\x18", "\xc2", "\x9b", "\x9d", "\xe2\x80\xae", "\xf0\x9f", "a", "\xff", "(", "0"]; // biome-ignore format: one look
  let seed = 20261121;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (const allowance of ["plain", "interactive"] as const) {
    const filter = new PayloadFilter(new TerminalModes());
    for (let round = 0; round < 2_000; round++) {
      const sent = Array.from({ length: 250 }, () => pieces[random(pieces.length)]).join("");
      const shown = Buffer.concat([filter.filter(latin1(sent), allowance), filter.end()]).toString();
      assert.match(shown, safe[allowance]);
    }
  }
});

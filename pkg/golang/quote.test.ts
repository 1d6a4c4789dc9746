import assert from "node:assert/strict";
import { test } from "node:test";
import { quote } from "./quote.ts";

const cases: readonly [text: string, quoted: string][] = [
  ["", '""'],
  ["plain text", '"plain text"'],
  ['say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'],
  ["a\tb\nc\rd", '"a\\tb\\nc\\rd"'],
  ["\x07\b\f\v", '"\\a\\b\\f\\v"'],
  ["\0\x1b\x7f", '"\\x00\\x1b\\x7f"'],
  ["äöü 日本 😀", '"äöü 日本 😀"'],
  ["\x85\u00a0\u00ad", '"\\u0085\\u00a0\\u00ad"'],
  ["\u200b\u202e\ufeff\u2028", '"\\u200b\\u202e\\ufeff\\u2028"'],
  ["\u{e0001}\u{10ffff}", '"\\U000e0001\\U0010ffff"'],
  ["'`<>&", '"\'`<>&"'],
];

for (const [text, quoted] of cases) {
  test(`${JSON.stringify(text)} is quoted as ${quoted}`, () => {
    assert.equal(quote(text), quoted);
  });
}

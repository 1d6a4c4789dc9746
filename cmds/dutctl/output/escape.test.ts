import assert from "node:assert/strict";
import { test } from "node:test";
import type { Format } from "../options.ts";
import { render } from "../test/rendered.ts";
import type { Content } from "./content.ts";
import { escapeLabel, escapeText } from "./escape.ts";

const hostile = "a\x1b]52;c;x\x07\x9b2J\u202eb\u200bc\nd";
const onTerminal = { colour: false, isTerminal: true };
const shown: readonly [format: Format, text: string][] = [
  ["text", "- a\\x1b]52;c;x\\x07\\u009b2J\\u202eb\\u200bc\\nd\n"],
  ["oneline", "2026-11-20T10:27:23Z,command-list,INFO,a\\x1b]52;c;x\\x07\\u009b2J\\u202eb\\u200bc\\nd\n"],
  [
    "json",
    '{\n  "contentType": "command-list",\n  "data": [\n    "a\\u001b]52;c;x\\u0007\\u009b2J\\u202eb\\u200bc\\nd"\n  ],\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n',
  ],
  [
    "yaml",
    '---\ncontentType: command-list\ndata:\n    - "a\\e]52;c;x\\a\\x9B2J\\u202Eb\\u200Bc\\nd"\ntimestamp: "2026-11-20T10:27:23Z"\n\n',
  ],
];

for (const [format, text] of shown) {
  test(`${format} shows the names of a hostile peer escaped on a terminal`, async () => {
    assert.equal(await render(format, [{ type: "command-list", data: [hostile] }], { stdout: onTerminal }), text);
  });
}

test("text and oneline show them escaped in a pipe too", async () => {
  const contents: Content[] = [{ type: "command-list", data: [hostile] }];
  const escaped = "a\\x1b]52;c;x\\x07\\u009b2J\\u202eb\\u200bc\\nd";
  assert.deepEqual(await Promise.all([render("text", contents), render("oneline", contents)]), [
    `- ${escaped}\n`,
    `2026-11-20T10:27:23Z,command-list,INFO,${escaped}\n`,
  ]);
});

test("names and texts are cut where a peer makes them too long, between characters", () => {
  assert.deepEqual(
    [escapeLabel("a".repeat(256)).length, escapeLabel(`${"a".repeat(254)}😀😀`), escapeText("b".repeat(70_000)).length],
    [256, `${"a".repeat(254)}…`, 64 * 1024],
  );
});

test("characters beyond the basic plane that cannot be seen are escaped, those that can be are not", () => {
  assert.deepEqual([escapeLabel("a\u{e0041}b"), escapeLabel("😀 ä 漢")], ["a\\udb40\\udc41b", "😀 ä 漢"]);
});

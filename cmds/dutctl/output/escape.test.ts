import assert from "node:assert/strict";
import { test } from "node:test";
import type { Format } from "../grammar.ts";
import { render } from "../test/rendered.ts";

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

test("names go into a pipe unchanged", async () => {
  assert.equal(await render("text", [{ type: "command-list", data: [hostile] }]), `- ${hostile}\n`);
});

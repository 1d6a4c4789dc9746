import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { binary, commands, devices, failed, lock, printed, render, sent, testGolden } from "../test/rendered.ts";
import type { Content } from "./content.ts";

testGolden("yaml", [
  [
    "yaml shows devices with metadata",
    [
      {
        ...devices,
        data: [
          { name: "dev1", lock },
          { name: "2", lock: undefined },
        ],
      } as Content,
    ],
    `---
contentType: device-list
data:
    - name: dev1
      locked: true
      owner: alice@h
      expiresat: 1795171943
    - name: "2"
      locked: false
      owner: ""
      expiresat: 0
metadata:
    msg: List Response
    server: 127.0.0.1:21024
timestamp: "2026-11-20T10:27:23Z"

`,
    true,
  ],
  [
    "yaml shows a transfer and an error",
    [sent, { ...failed, data: "no: way" } as Content],
    `---
contentType: file-transfer
data:
    direction: sent
    path: in.txt
    bytes: 6
timestamp: "2026-11-20T10:27:23Z"

---
contentType: general
data: 'no: way'
error: true
timestamp: "2026-11-20T10:27:23Z"

`,
  ],
  [
    "yaml shows lines as a block, lists indented and bytes as binary",
    [printed, commands, { type: "command-list", data: [] }, binary],
    `---
contentType: module-output
data: |
    Hello from dummy status module
timestamp: "2026-11-20T10:27:23Z"

---
contentType: command-list
data:
    - chain
    - down
    - ft
timestamp: "2026-11-20T10:27:23Z"

---
contentType: command-list
data: []
timestamp: "2026-11-20T10:27:23Z"

---
contentType: module-output
data: !!binary /wA8Jj4=
timestamp: "2026-11-20T10:27:23Z"

`,
  ],
]);

test("json and yaml say the same whatever the text", async () => {
  const texts = [
    "", "plain", "with blank", " leading", "trailing ", "a: b", "a:b", "a #b", "#a", "- a", "-a", "?", "? x", "a'b", "'a", '"a"', "[x", "{x", "*a", "&a", "!a", "%a", "@a", "`a",
    "null", "~", "true", "Yes", "n", "off", "1", "0x1f", "0755", "1e3", "1.5", ".5", ".inf", "-.INF", ".nan", "12:30", "1_000", "2026-11-20", "2026-11-20T10:27:23Z", "=", "<<",
    "---", "--- a", "...", "tab\there", "\ttab first", "nul\0", "bell\x07", "del\x7f", "\x85", "ä ö ü", "😀", "\ufeff", "\u2028", "back\\slash",
    "\n", "a\n", "a\nb", "a\n\n", "\na", " a\nb", "a\n b\n", "a \nb\n", "a\r\nb\r\n", "\ta\n", "\n\n", "a\n\nb", "#a\n", "a: b\n- c\n", "\x1b[31mred\x1b[0m\n",
  ]; // biome-ignore format: one look
  for (const text of texts) {
    const content: Content = { type: "command-detail", data: text };
    const yaml = parse(await render("yaml", [content]));
    assert.deepEqual(yaml, JSON.parse(await render("json", [content])));
    assert.equal(yaml.data, text);
  }
});

test("yaml breaks long binary into lines of seventy", async () => {
  const bytes = Buffer.alloc(100, 0xfe);
  const yaml = await render("yaml", [{ type: "module-output", data: bytes }]);
  assert.deepEqual(parse(yaml).data, bytes);
  assert.deepEqual(
    yaml.split("\n").map((line) => line.length),
    [3, 26, 16, 74, 70, 33, 0, 0],
  );
});

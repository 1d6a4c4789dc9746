import assert from "node:assert/strict";
import { test } from "node:test";
import { seldom } from "./seldom.ts";

test("a message is logged once in a time, with how often it was left out; others are not held back by it", () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = seldom(
    (message, fields) => lines.push([message, fields]),
    1_000,
    () => now,
  );
  for (const at of [0, 1, 999, 1_000, 1_001, 2_500]) {
    now = at;
    log("refused", { at });
  }
  log("something else");
  assert.deepEqual(lines, [
    ["refused", { at: 0 }],
    ["refused", { at: 1_000, "not-logged": 2 }],
    ["refused", { at: 2_500, "not-logged": 1 }],
    ["something else", {}],
  ]);
});

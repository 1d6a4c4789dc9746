import assert from "node:assert/strict";
import { test } from "node:test";
import { Secrets } from "../port/secrets.ts";
import { SecretMask } from "./secret-mask.ts";

const cases: readonly [string, readonly string[], readonly string[], readonly string[]][] = [
  ["no secret changes nothing", [], ["hunter2"], ["hunter2", ""]],
  ["a secret in one piece", ["hunter2"], ["a hunter2 b hunter2\n"], ["a *** b ***\n", ""]],
  ["a secret cut in two", ["hunter2"], ["> hun", "ter2\n"], ["> ", "***\n", ""]],
  ["a beginning that is none", ["hunter2"], ["> hun", "dred"], ["> ", "hundred", ""]],
  ["a beginning at the end is not shown", ["hunter2"], ["> hunter"], ["> ", "***"]],
  ["the longer one of two", ["pass", "password"], ["my password"], ["my ***", ""]],
  ["its lines", ["line one\r\nline two\r"], ["x line two\r\n"], ["x ***\r\n", ""]],
  ["three bytes are not masked", ["abc"], ["abc"], ["abc", ""]],
];

for (const [what, secrets, pieces, shown] of cases) {
  test(`masking: ${what}`, () => {
    const hidden = new Secrets();
    const mask = new SecretMask(hidden);
    for (const secret of secrets) {
      hidden.add(Buffer.from(secret));
    }
    const text = [...pieces.map((piece) => mask.write(Buffer.from(piece))), mask.end()].map(String);
    assert.deepEqual(text, shown);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { otherNumber, parseNumber, parseTruth } from "./scalars.ts";
import type { YamlScalar } from "./yaml-node.ts";

const scalar = (text: string, plain = true): YamlScalar => ({
  kind: "scalar",
  at: { line: 1, column: 1 },
  size: 1,
  text,
  plain,
});

test("numbers are read in every spelling of YAML 1.1 and 1.2", () => {
  const spelled = ["0", "-12", "+1_000", "1.5", ".5", "1.", "1e3", "0x1F", "-0o17", "0b101", ".inf", "-.Inf"];
  assert.deepEqual(
    spelled.map((text) => parseNumber(scalar(text))),
    [0, -12, 1000, 1.5, 0.5, 1, 1000, 31, -15, 5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  const others = ["", "x", "1x", "0x", "0o8", "1:30", "--1", "1.2.3", "_", "."];
  assert.deepEqual(
    others.filter((text) => parseNumber(scalar(text)) !== undefined),
    [],
  );
  assert.equal(parseNumber(scalar("1", false)), undefined);
});

test("a number with a leading zero is another one to readers who count in eights", () => {
  assert.deepEqual(
    ["017", "-010", "0644", "07", "00", "0", "089", "0.5", "10"].map((text) => otherNumber(scalar(text))),
    [15, -8, 420, undefined, undefined, undefined, undefined, undefined, undefined],
  );
});

test("truth values are read in the words of YAML 1.1, unless quoted", () => {
  assert.deepEqual(
    ["true", "Yes", "on", "y", "FALSE", "no", "Off", "n", "yEs", "1", ""].map((text) => parseTruth(scalar(text))),
    [true, true, true, true, false, false, false, false, undefined, undefined, undefined],
  );
  assert.equal(parseTruth(scalar("true", false)), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, parseDuration } from "./duration.ts";

const read: readonly [text: string, milliseconds: number][] = [
  ["0", 0],
  ["0s", 0],
  ["-0", 0],
  ["300ms", 300],
  ["1.5h", 5_400_000],
  ["1h30m", 5_400_000],
  ["-1m1s", -61_000],
  ["+5s", 5_000],
  [".5s", 500],
  ["5.s", 5_000],
  ["1us", 0.001],
  ["1µs", 0.001],
  ["1μs", 0.001],
  ["1ns", 0.000001],
];

for (const [text, milliseconds] of read) {
  test(`${text} is ${milliseconds} ms`, () => {
    assert.equal(parseDuration(text), milliseconds);
  });
}

const refused: readonly [text: string, message: string][] = [
  ["", 'time: invalid duration ""'],
  ["-", 'time: invalid duration "-"'],
  ["abc", 'time: invalid duration "abc"'],
  [".s", 'time: invalid duration ".s"'],
  ["3", 'time: missing unit in duration "3"'],
  ["3 s", 'time: unknown unit " s" in duration "3 s"'],
  ["3d", 'time: unknown unit "d" in duration "3d"'],
  ["1m toString", 'time: unknown unit "m toString" in duration "1m toString"'],
  ["9999999h", 'time: invalid duration "9999999h"'],
];

for (const [text, message] of refused) {
  test(`${JSON.stringify(text)} is refused with ${message}`, () => {
    assert.throws(() => parseDuration(text), { code: "invalid_argument", message });
  });
}

const shown: readonly [milliseconds: number, text: string][] = [
  [0, "0s"],
  [0.000001, "1ns"],
  [0.0015, "1.5µs"],
  [1.5, "1.5ms"],
  [50, "50ms"],
  [1000, "1s"],
  [1500, "1.5s"],
  [60_000, "1m0s"],
  [90_500, "1m30.5s"],
  [5_400_000, "1h30m0s"],
  [-3_600_000, "-1h0m0s"],
];

for (const [milliseconds, text] of shown) {
  test(`${milliseconds} ms are shown as ${text}`, () => {
    assert.equal(formatDuration(milliseconds), text);
  });
}

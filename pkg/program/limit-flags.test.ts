import assert from "node:assert/strict";
import { test } from "node:test";
import { limitFlags } from "./daemon-command.ts";

const usual = { "runs-per-user": 16, runs: 2000 };

test("limits have their usual numbers but for those that are given, of which the last counts", () => {
  assert.deepEqual(limitFlags({ limit: ["runs=5", "runs=7"] }, usual), { "runs-per-user": 16, runs: 7 });
});

for (const given of ["runs", "runs=", "runs=0", "runs=-1", "runs=1e9", "walks=3", "constructor=1"]) {
  test(`-limit ${given} is refused with the limits that there are`, () => {
    assert.throws(() => limitFlags({ limit: [given] }, usual), {
      code: "invalid_argument",
      message: `invalid value ${JSON.stringify(given)} for flag -limit`,
      hint: "the limits and their numbers are runs-per-user=16, runs=2000",
    });
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { humanDuration } from "./human-duration.ts";

test("durations are rounded to the minute", () => {
  const minute = 60_000;
  const shown = [-minute, 0, 29_999, 30_000, 25 * minute, 59.6 * minute, 90 * minute, 120 * minute].map(humanDuration);
  assert.deepEqual(shown, ["0m", "0m", "0m", "1m", "25m", "1h", "1h30m", "2h"]);
});

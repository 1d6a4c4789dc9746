import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLogLevel } from "./parse-log-level.ts";

test("a level is known in any case, warning is warn, and anything else is info", () => {
  const given = ["debug", "INFO", "warn", "Warning", "eRRor", "", "trace", "constructor"];
  assert.deepEqual(given.map(parseLogLevel), ["debug", "info", "warn", "warn", "error", "info", "info", "info"]);
});

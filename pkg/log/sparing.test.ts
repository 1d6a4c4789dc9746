import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log, LogFields } from "./log.ts";
import { sparing } from "./sparing.ts";

function recorded() {
  const lines: unknown[] = [];
  const bind = (bound: LogFields): Log => {
    const at = (level: string) => (message: string, fields?: LogFields) =>
      lines.push([level, message, { ...bound, ...fields }]);
    return {
      error: at("error"),
      warn: at("warn"),
      info: at("info"),
      debug: at("debug"),
      with: (more) => bind({ ...bound, ...more }),
    };
  };
  return { lines, log: bind({}) };
}

test("of a message that comes again and again there is the first and, after the time, the last with how many were left out", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { lines, log } = recorded();
  const spare = sparing(log);
  for (let from = 1; from <= 1_000; from += 1) {
    spare.with({ scope: "rpc" }).warn("refused", { from });
  }
  spare.warn("other");
  t.mock.timers.tick(10_000);
  spare.warn("refused", { from: 1_001 });
  t.mock.timers.tick(10_000);
  t.mock.timers.tick(10_000);
  spare.warn("refused", { from: 1_002 });
  assert.deepEqual(lines, [
    ["warn", "refused", { scope: "rpc", from: 1 }],
    ["warn", "other", {}],
    ["warn", "refused", { scope: "rpc", from: 1_000, "left-out": 998 }],
    ["warn", "refused", { from: 1_001 }],
    ["warn", "refused", { from: 1_002 }],
  ]);
});

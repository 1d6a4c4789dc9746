import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fewPerTurn } from "./few-per-turn.ts";

test("of those who come at once, so many go on in each turn of the event loop, in their order", async () => {
  const turn = fewPerTurn(2);
  const passed: number[] = [];
  const come = (...names: number[]) => names.map((name) => turn().then(() => passed.push(name)));
  const first = come(1, 2, 3);
  const seen = [passed.length];
  while (passed.length < 3) {
    await setImmediate();
    seen.push(passed.length);
  }
  await Promise.all([...first, ...come(4, 5)]);
  assert.deepEqual({ passed, seen: seen.filter((count) => count > 0) }, { passed: [1, 2, 3, 4, 5], seen: [2, 3] });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Log, silentLog } from "#pkg/log/log.ts";
import { Flapping } from "./flapping.ts";

function counted(): { readonly log: Log; readonly warned: unknown[] } {
  const warned: unknown[] = [];
  return { log: { ...silentLog, warn: (message, fields) => warned.push([message, fields?.agent]) }, warned };
}

test("an agent flaps with its fifth session within a minute, and no longer when it has stayed", () => {
  let now = 0;
  const { log, warned } = counted();
  const flapping = new Flapping(() => now);
  for (let session = 0; session < 4; session++, now += 10_000) {
    flapping.came("bench", log);
  }
  const calm = flapping.explained("bench", "it was lost");
  flapping.came("bench", log);
  const excited = flapping.explained("bench", "it was lost");
  now += 60_001;
  assert.deepEqual(
    [calm, excited, flapping.explained("bench", "it was lost"), warned],
    [
      "it was lost",
      "it was lost (flapping: 5 sessions or more within 60 s)",
      "it was lost",
      [["agent flapping", "bench"]],
    ],
  );
});

test("that an agent flaps is logged once in a second, whatever others do", () => {
  let now = 0;
  const { log, warned } = counted();
  const flapping = new Flapping(() => now);
  for (let session = 0; session < 30; session++, now += 100) {
    flapping.came("bench", log);
    flapping.came("other", log);
  }
  assert.deepEqual(
    ["bench", "other"].map((name) => warned.filter((line) => String(line).endsWith(name)).length),
    [3, 3],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "./token-bucket.ts";

test("a burst is let through, then what the rate gives, and a pause gives no more than a burst", () => {
  let now = 0;
  const bucket = new TokenBucket({ burst: 3, perSecond: 10 }, () => now);
  const taken = (times: number) => Array.from({ length: times }, () => bucket.take());
  const beginning = taken(3);
  now += 100;
  const later = taken(1);
  now += 60_000;
  assert.deepEqual([beginning, later, taken(4)], [[true, true, true], [true], [true, true, true, false]]);
});

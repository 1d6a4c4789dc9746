import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePowers } from "./hub.ts";

test("a port of USB 3 has power as long as one of its two hubs gives it", () => {
  assert.deepEqual(
    parsePowers(
      "  Port 1: 02a0 power 5gbps Rx.Detect\n  Port 2: 0080 off\n  Port 1: 0000 off\n  Port 2: 0000 off [power]\n",
    ),
    new Map([
      [1, "on"],
      [2, "off"],
    ]),
  );
});

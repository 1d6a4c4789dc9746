import assert from "node:assert/strict";
import { after, test } from "node:test";
import { timestamp } from "./timestamp.ts";

const zone = process.env.TZ;
after(() => {
  if (zone === undefined) {
    delete process.env.TZ;
  } else {
    process.env.TZ = zone;
  }
});

const zones: readonly [zone: string, text: string][] = [
  ["UTC", "2026-11-20T10:27:23Z"],
  ["Europe/Berlin", "2026-11-20T11:27:23+01:00"],
  ["America/St_Johns", "2026-11-20T06:57:23-03:30"],
  ["Asia/Kolkata", "2026-11-20T15:57:23+05:30"],
];

for (const [name, text] of zones) {
  test(`a moment in ${name} is ${text}`, () => {
    process.env.TZ = name;
    assert.equal(timestamp(new Date("2026-11-20T10:27:23.987Z")), text);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./nearest.ts";

test("the nearest name is a slip away from what was written", () => {
  const names = ["gpio-switch", "gpio-button", "shell", "serial", "on", "off"];
  const suggestions = ["gpio-swich", "gpio_switch", "Serial", "sehll", "shel", "of", "serialport", "ipmi", "", "x"].map(
    (written) => [written, nearest(written, names)],
  );
  assert.deepEqual(suggestions, [
    ["gpio-swich", "gpio-switch"],
    ["gpio_switch", "gpio-switch"],
    ["Serial", "serial"],
    ["sehll", "shell"],
    ["shel", "shell"],
    ["of", "off"],
    ["serialport", "serial"],
    ["ipmi", undefined],
    ["", undefined],
    ["x", undefined],
  ]);
});

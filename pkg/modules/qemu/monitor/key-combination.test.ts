import assert from "node:assert/strict";
import { test } from "node:test";
import { keysFor, parseCombination } from "./key-combination.ts";

test("a text is typed on a US keyboard", () => {
  assert.deepEqual(keysFor('aZ0 ~|"_\n'), [
    ["a"],
    ["shift", "z"],
    ["0"],
    ["spc"],
    ["shift", "grave_accent"],
    ["shift", "backslash"],
    ["shift", "apostrophe"],
    ["shift", "minus"],
    ["ret"],
  ]);
});

test("every printable character of ASCII has a key of its own", () => {
  const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => index + 32));
  const combinations = keysFor(printable).map((keys) => keys.join("-"));
  assert.equal(new Set(combinations).size, 95);
});

test("what a US keyboard does not have is refused before anything is typed", () => {
  assert.throws(() => keysFor("größe"), { code: "invalid_argument", message: 'a US keyboard has no key for "ö"' });
});

test("a combination is names joined with dashes", () => {
  assert.deepEqual(parseCombination("Ctrl-Alt-Delete"), ["ctrl", "alt", "delete"]);
  for (const text of ["", "-", "ctrl--a", "a b", "a,b"]) {
    assert.throws(() => parseCombination(text), { code: "invalid_argument" });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { closest } from "./suggest.ts";

const cases: readonly [word: string, candidates: string[], name: string | undefined][] = [
  ["statsu", ["start", "status", "stop"], "status"],
  ["Board", ["board", "boat"], "board"],
  ["bord1", ["board1", "board2"], "board1"],
  ["x", ["y"], undefined],
  ["power", ["flash", "serial"], undefined],
  ["reset", [], undefined],
  ["", ["a"], undefined],
];

for (const [word, candidates, name] of cases) {
  test(`${JSON.stringify(word)} is ${name === undefined ? "close to none" : `taken for ${name}`} of ${candidates.join(", ")}`, () => {
    assert.equal(closest(word, candidates), name);
  });
}

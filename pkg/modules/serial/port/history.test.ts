import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "./history.ts";

function all(history: History): string {
  return String(history.read(history.start, history.end - history.start));
}

test("the last bytes are kept at their offsets, however they came", () => {
  const history = new History(8);
  const seen = ["abc", "defgh", "i", "0123456789xyz"].map((piece) => {
    history.append(Buffer.from(piece));
    return [history.start, history.end, all(history)];
  });
  assert.deepEqual(seen, [
    [0, 3, "abc"],
    [0, 8, "abcdefgh"],
    [1, 9, "bcdefghi"],
    [14, 22, "56789xyz"],
  ]);
});

test("one that grows keeps what it has, and more from then on", () => {
  const history = new History(4);
  history.append(Buffer.from("abcdefg"));
  history.grow(6);
  const before = [history.start, all(history)];
  history.append(Buffer.from("hij"));
  assert.deepEqual(
    [before, [history.start, all(history)]],
    [
      [3, "defg"],
      [4, "efghij"],
    ],
  );
});

test("the last lines begin behind a line end, an unfinished one counts, and no more are there than are kept", () => {
  const history = new History(16);
  history.append(Buffer.from("lost\none\ntwo\nthree"));
  const linesOf = (count: number) => String(history.read(history.startOfLast(count), 100));
  const unfinished = [0, 1, 2, 3, 9].map(linesOf);
  history.append(Buffer.from("\n"));
  assert.deepEqual(
    [unfinished, [1, 2].map(linesOf)],
    [
      ["", "three", "two\nthree", "one\ntwo\nthree", "st\none\ntwo\nthree"],
      ["three\n", "two\nthree\n"],
    ],
  );
});

test("the last lines are found wherever the ring begins", () => {
  const said = "a\nbc\n\ndef\nghijklmnop\nq\n\n\nrs\n".repeat(2);
  const history = new History(7);
  for (const [index, letter] of Array.from(said).entries()) {
    history.append(Buffer.from(letter));
    const kept = said.slice(Math.max(0, index - 6), index + 1);
    const lines = kept.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    const last = [0, 1, 2, 3].map((count) => String(history.read(history.startOfLast(count), 100)));
    assert.deepEqual(last, ["", ...[1, 2, 3].map((count) => lines.slice(-count).join(""))], kept);
  }
});

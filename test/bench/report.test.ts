import assert from "node:assert/strict";
import { test } from "node:test";
import { medians } from "./medians.ts";
import { renderRows, rowsAsJson } from "./report.ts";
import type { Row } from "./row.ts";

const rows: readonly Row[] = [
  {
    name: "start",
    value: 52.04,
    unit: "ms",
    floor: { name: "node -e 0", value: 20 },
    hold: { kind: "at-most-times", factor: 3 },
  },
  {
    name: "bulk",
    value: 300,
    unit: "MB/s",
    floor: { name: "TCP splice", value: 500 },
    hold: { kind: "at-least-times", factor: 0.75 },
  },
  {
    name: "echo",
    value: 0.45,
    unit: "ms",
    floor: { name: "direct", value: 0.1 },
    hold: { kind: "adds-at-most", milliseconds: 0.3 },
  },
  {
    name: "peak",
    value: 260,
    unit: "MB",
    floor: { name: "node -e 0", value: 40 },
    hold: { kind: "at-most", value: 250 },
  },
  { name: "call", value: 1, unit: "ms", floor: { name: "TCP echo", value: 0.1 }, hold: undefined },
];

test("each figure stands beside its floor, with its promise and whether it is held", () => {
  const line = (...cells: string[]) => `${cells.join("  ")}\n`;
  assert.equal(
    renderRows(rows),
    [
      line("         median     floor                ratio  hold"),
      line("start   52.0 ms   20.0 ms  node -e 0    2.60 ×  ≤ 3 ×       held"),
      line("bulk   300 MB/s  500 MB/s  TCP splice   0.60 ×  ≥ 0.75 ×    MISSED"),
      line("echo    0.45 ms   0.10 ms  direct       4.50 ×  + ≤ 0.3 ms  MISSED"),
      line("peak     260 MB   40.0 MB  node -e 0    6.50 ×  ≤ 250 MB    MISSED"),
      line("call    1.00 ms   0.10 ms  TCP echo    10.00 ×"),
    ].join(""),
  );
});

test("programs read the same figures", () => {
  assert.deepEqual(
    JSON.parse(rowsAsJson(rows)).rows.map(({ name, ratio, held }: Record<string, unknown>) => [name, ratio, held]),
    [
      ["start", 2.602, true],
      ["bulk", 0.6, false],
      ["echo", 4.5, false],
      ["peak", 6.5, false],
      ["call", 10, null],
    ],
  );
});

test("cases are measured in turns, and the first round is not counted", async () => {
  const turns: string[] = [];
  const values = { a: [100, 3, 1, 2], b: [100, 5, 7, 6] };
  const take = (name: "a" | "b") => async () => {
    turns.push(name);
    return values[name].shift() ?? Number.NaN;
  };
  assert.deepEqual([await medians(3, { a: take("a"), b: take("b") }), turns.join("")], [{ a: 2, b: 6 }, "abababab"]);
});

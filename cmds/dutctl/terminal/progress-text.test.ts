import assert from "node:assert/strict";
import { test } from "node:test";
import { displayWidth } from "./display-width.ts";
import { Meter } from "./meter.ts";
import { amountOf, clock, progressBar, progressLine } from "./progress-text.ts";
import type { ProgressReport } from "./user-console.ts";

const report: ProgressReport = {
  key: "1",
  label: "in.img",
  done: 27_262_976,
  total: 104_857_600,
  unit: "bytes",
  finished: false,
};
const amount = amountOf(report, 3_565_158);

test("a bar takes what room there is, and leaves out what does not fit", () => {
  assert.deepEqual(
    [110, 80, 60, 30, 12, 5].map((columns) => progressBar(amount, columns)),
    [
      "in.img  [==========>                             ]   26%  26.0 MiB of 100.0 MiB  3.4 MiB/s  0:22 left",
      "in.img  [====>              ]   26%  26.0 MiB of 100.0 MiB  3.4 MiB/s  0:22 left",
      "in.img   26%  26.0 MiB of 100.0 MiB  3.4 MiB/s  0:22 left",
      "in.img  [===>          ]   26%",
      "in.img   26%",
      "in.i…",
    ],
  );
});

test("bars of other units and without a known end tell what they know", () => {
  const shown = [
    { ...report, total: undefined },
    { ...report, unit: "sectors", done: 12, total: 40 },
    { ...report, unit: "percent", done: 45.5, total: undefined },
    { ...report, unit: "", done: 3, total: undefined },
  ].map((other) => progressLine(amountOf(other, undefined)));
  assert.deepEqual(shown, ["in.img: 26.0 MiB", "in.img: 12 of 40 sectors (30%)", "in.img: 45%", "in.img: 3"]);
});

test("a peer cannot say anything that breaks a bar", () => {
  const evil = [Number.NaN, Number.POSITIVE_INFINITY, -5, 1e300].flatMap((number) => [
    { ...report, label: "\x1b[2J\n".repeat(200), unit: "x\x07".repeat(99), done: number },
    { ...report, label: "漢".repeat(300), total: number },
  ]);
  for (const columns of [1, 10, 40, 80, 200]) {
    for (const bar of evil.map((one) => progressBar(amountOf(one, 1), columns))) {
      assert.ok(displayWidth(bar) <= columns && !/\p{Cc}/u.test(bar), JSON.stringify(bar));
    }
  }
});

test("a line tells the same in words", () => {
  assert.equal(progressLine(amount), "in.img: 26.0 MiB of 100.0 MiB (26%), 3.4 MiB/s, 0:22 left");
});

test("times are shown in minutes and seconds, hours when there are any, and not beyond a few days", () => {
  assert.deepEqual([0, 4.2, 754, 3723, 1e9, Number.POSITIVE_INFINITY, Number.NaN].map(clock), [
    "0:00",
    "0:05",
    "12:34",
    "1:02:03",
    undefined,
    undefined,
    undefined,
  ]);
});

test("the rate is that of the last seconds", () => {
  const meter = new Meter();
  const rates = [0, 1000, 2000, 3000, 20_000, 21_000].map((ms, at) => {
    const done = [0, 100, 200, 300, 300, 1300][at] as number;
    meter.add(done, ms);
    return meter.rate(done, ms);
  });
  assert.deepEqual(rates, [undefined, 100, 100, 100, 0, 1000 / 18]);
});

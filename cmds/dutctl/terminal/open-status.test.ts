import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Format } from "../options.ts";
import type { Content } from "../output/content.ts";
import type { Outlet, World } from "../world.ts";
import { Footer } from "./footer.ts";
import { openStatus } from "./open-status.ts";
import type { ProgressReport } from "./user-console.ts";

/** A status with everything that it draws on a terminal of 60 columns or hands to the output, and a clock that the test turns. */
function recorded(t: TestContext, format: Format, isTerminal: boolean) {
  t.mock.timers.enable({ apis: ["setInterval", "Date"], now: 1_000_000 });
  const drawn: string[] = [];
  const told: Content[] = [];
  const outlet: Outlet = {
    isTerminal,
    write: async (data) => {
      drawn.push(String(data));
    },
  };
  const nothing = { [Symbol.dispose]() {} };
  const footer = new Footer(outlet, () => 60);
  const size = () => ({ rows: 24, columns: 60 });
  const world: World = {
    stdin: async function* () {},
    stdout: outlet,
    stderr: outlet,
    terminal: { type: "x", hasKeyboard: false, footer, size, onResize: () => nothing, raw() {}, guard: () => nothing },
    env: {},
    directory: "/",
    hostname: () => "desk",
    userName: () => "alice",
    now: () => new Date(),
    runtime: "node",
    signal: t.signal,
  };
  const out = {
    format,
    write: async (content: Content) => {
      told.push(content);
    },
  };
  /** Lets time pass, and what is drawn then be drawn. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      t.mock.timers.tick(100);
      await setImmediate();
    }
  };
  return { status: openStatus(world, out), drawn, told, pass };
}

function report(done: number, finished = false): ProgressReport {
  return { key: "a", label: "in.img", done, total: 1000, unit: "bytes", finished };
}

test("a bar is drawn when a transfer takes a while, and taken away at its end", async (t) => {
  const { status, drawn, pass } = recorded(t, "text", true);
  status.progress(report(0));
  await pass(200);
  assert.deepEqual(drawn, []);
  status.progress(report(100));
  await pass(100);
  assert.deepEqual(drawn, ["in.img   10%  100 B of 1000 B  333 B/s  0:03 left"]);
  status.progress(report(1000, true));
  await status[Symbol.asyncDispose]();
  assert.deepEqual(drawn.slice(1), ["\r\x1b[J"]);
});

test("a spinner turns with the reason and how long it has been", async (t) => {
  const { status, drawn, pass } = recorded(t, "text", true);
  status.waiting('device "d" is locked by "alice@h"');
  await pass(1_000);
  status.waiting(undefined);
  await status[Symbol.asyncDispose]();
  assert.deepEqual(
    [drawn.length, drawn[0], drawn.at(-2), drawn.at(-1)],
    [
      11,
      '⠙ device "d" is locked by "alice@h" (waited 0:00)',
      '\r\x1b[J⠋ device "d" is locked by "alice@h" (waited 0:01)',
      "\r\x1b[J",
    ],
  );
});

test("nothing is drawn over what a device draws", async (t) => {
  const { status, drawn, pass } = recorded(t, "text", true);
  status.covered(true);
  status.waiting("something");
  status.progress(report(1));
  await pass(500);
  assert.equal(drawn.join(""), "");
  status.covered(false);
  await pass(100);
  await status[Symbol.asyncDispose]();
  assert.equal(String(drawn[0]).split("\r\n").length, 2);
});

test("elsewhere a long transfer is told in lines: after 2 s, every 10 s, and its end; a short one is not", async (t) => {
  const { status, told, pass } = recorded(t, "text", false);
  for (let done = 0; done < 300; done += 10) {
    status.progress(report(done));
    await pass(1_000);
  }
  status.progress(report(1000, true));
  status.progress({ ...report(0), key: "b" });
  status.progress({ ...report(5, true), key: "b" });
  await status[Symbol.asyncDispose]();
  assert.deepEqual(told, [
    { type: "notice", data: "in.img: 20 B of 1000 B (2%), 10 B/s, 1:38 left" },
    { type: "notice", data: "in.img: 120 B of 1000 B (12%), 10 B/s, 1:28 left" },
    { type: "notice", data: "in.img: 220 B of 1000 B (22%), 10 B/s, 1:18 left" },
    { type: "notice", data: "in.img: 1000 B in 0:30" },
  ]);
});

test("elsewhere a reason to wait is told once", async (t) => {
  const { status, told } = recorded(t, "json", false);
  for (const reason of ["first", "first", undefined, "first", "second"]) {
    status.waiting(reason);
  }
  status.progress(report(1));
  await status[Symbol.asyncDispose]();
  assert.deepEqual(told, [
    { type: "notice", data: "first" },
    { type: "notice", data: "second" },
  ]);
});

test("programs that read jsonl are told at most once a second, and the end", async (t) => {
  const { status, told, pass } = recorded(t, "jsonl", true);
  for (let done = 0; done < 15; done++) {
    status.progress(report(done));
    await pass(100);
  }
  status.progress(report(1000, true));
  await status[Symbol.asyncDispose]();
  const data = { label: "in.img", total: 1000, unit: "bytes" };
  assert.deepEqual(told, [
    { type: "progress", data: { ...data, done: 0, finished: false } },
    { type: "progress", data: { ...data, done: 10, finished: false } },
    { type: "progress", data: { ...data, done: 1000, finished: true } },
  ]);
});

test("a peer that names bars without end is shown the last few", async (t) => {
  const { status, drawn, pass } = recorded(t, "text", true);
  for (let key = 0; key < 10_000; key++) {
    status.progress({ ...report(1), key: String(key), label: `bar ${key}` });
  }
  await pass(400);
  await status[Symbol.asyncDispose]();
  assert.deepEqual(
    drawn[0]?.split("\r\n").map((line) => line.slice(0, 8)),
    ["bar 9984", "bar 9985", "bar 9986", "bar 9987"],
  );
});

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { limitNames } from "./limit-names.ts";
import { openPrometheus } from "./prometheus.ts";

/** The samples of some metrics, without their comments. */
async function samples(metrics: { text(): Promise<string> }, pattern: RegExp): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => !line.startsWith("#") && pattern.test(line));
}

test("what is open is counted until it is disposed, once", async () => {
  using metrics = openPrometheus("dutserver");
  const first = metrics.open("streams");
  metrics.open("streams");
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.deepEqual(await samples(metrics, /_streams /), ["dutserver_streams 1"]);
});

test("bytes are those of open and closed connections", async () => {
  using metrics = openPrometheus("dutagent");
  const closed = { bytesRead: 1, bytesWritten: 2 };
  const open = { bytesRead: 10, bytesWritten: 20 };
  const place = metrics.connection(closed);
  metrics.connection(open);
  closed.bytesRead = 3;
  place[Symbol.dispose]();
  open.bytesWritten = 40;
  assert.deepEqual(await samples(metrics, /_(connections|bytes_total)\b/), [
    "dutagent_connections 1",
    'dutagent_bytes_total{direction="received"} 13',
    'dutagent_bytes_total{direction="sent"} 42',
  ]);
});

test("hits of every limit are there from the start, and counted by name", async () => {
  using metrics = openPrometheus("dutserver");
  metrics.limitHit("ping_flood");
  const hits = await samples(metrics, /_limit_hits_total/);
  assert.deepEqual(
    hits,
    Object.keys(limitNames).map(
      (limit) => `dutserver_limit_hits_total{limit="${limit}"} ${Number(limit === "ping_flood")}`,
    ),
  );
});

test("calls of the store are counted by how long they take", async () => {
  using metrics = openPrometheus("dutserver");
  metrics.storeCall("put", 0.003);
  assert.deepEqual(await samples(metrics, /le="0.00(25|5)"|_(sum|count)\{call/), [
    'dutserver_store_seconds_bucket{le="0.0025",call="put"} 0',
    'dutserver_store_seconds_bucket{le="0.005",call="put"} 1',
    'dutserver_store_seconds_sum{call="put"} 0.003',
    'dutserver_store_seconds_count{call="put"} 1',
  ]);
});

test("the lag of the event loop shows how long it stood still", async (t) => {
  using metrics = openPrometheus("dutserver");
  const worst = async () => {
    const [line = ""] = await samples(metrics, /_event_loop_lag_seconds\{statistic="max"/);
    return Number(line.split(" ")[1]);
  };
  // Nothing is known before the first measurement.
  while ((await worst()) === 0) {
    await setImmediate(undefined, { signal: t.signal });
  }
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
  while ((await worst()) < 0.1) {
    await setImmediate(undefined, { signal: t.signal });
  }
});

test("the README has every metric of ours with its type and labels, and every limit with its meaning", async () => {
  using metrics = openPrometheus("dutserver");
  const text = await metrics.text();
  const given = Array.from(
    text.matchAll(/^# HELP dutserver_(\S+) (.+)\n# TYPE \S+ (\S+)$/gm),
    ([, name, help, type]) => `| \`${name}\` | ${type} | ${help} |`,
  );
  const readme = await readFile(join(import.meta.dirname, "README.md"), "utf8");
  const rows = readme.split("\n").filter((line) => line.startsWith("| `"));
  const limits = Object.entries(limitNames).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  assert.deepEqual(rows, [...given, ...limits]);
});

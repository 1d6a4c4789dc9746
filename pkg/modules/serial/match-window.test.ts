import assert from "node:assert/strict";
import { test } from "node:test";
import { MatchWindow } from "./match-window.ts";
import { compilePattern } from "./pattern.ts";

test("a match is consumed through its end and the rest stays for the next pattern", async (t) => {
  const window = new MatchWindow();
  window.append(Buffer.from("foo ba"));
  const found = [await window.consume(compilePattern("bar"), t.signal)];
  window.append(Buffer.from("r baz"));
  found.push(await window.consume(compilePattern("bar"), t.signal));
  found.push(await window.consume(compilePattern("ba"), t.signal));
  found.push(await window.consume(compilePattern("ba"), t.signal));
  assert.deepEqual(found, [false, true, true, false]);
});

test("clearing forgets what was there", async (t) => {
  const window = new MatchWindow();
  window.append(Buffer.from("login:"));
  window.clear();
  assert.equal(await window.consume(compilePattern("login:"), t.signal), false);
});

test("a match may reach back 64 KiB beyond what was searched, and no further", async (t) => {
  const reach = async (gap: number) => {
    const window = new MatchWindow();
    const pattern = compilePattern("(?s)a.*z");
    window.append(Buffer.from(`a${"-".repeat(gap)}`));
    const early = await window.consume(pattern, t.signal);
    window.append(Buffer.from("z"));
    return [early, await window.consume(pattern, t.signal)];
  };
  assert.deepEqual(
    [await reach(65_535), await reach(65_536)],
    [
      [false, true],
      [false, false],
    ],
  );
});

test("a large pattern has a smaller window, also for what an earlier step left", async (t) => {
  const window = new MatchWindow();
  const pattern = compilePattern(`${"x".repeat(500)}|(?s)a.*z`);
  window.append(Buffer.from(`a${"-".repeat(20_000)}z az`));
  assert.deepEqual(
    [pattern.window < 10_000, await window.consume(pattern, t.signal), await window.consume(pattern, t.signal)],
    [true, true, false],
  );
});

test("bytes that are no UTF-8 are searched as they are", async (t) => {
  const window = new MatchWindow();
  window.append(Buffer.from([0xff, 0xc3, 0x41, 0xc3, 0xa9, 0x21]));
  assert.deepEqual(
    [await window.consume(compilePattern("Aé"), t.signal), await window.consume(compilePattern("^!$"), t.signal)],
    [true, true],
  );
});

test("expressions that make other engines hang end, over two whole windows", (t) => {
  const ends = ["(a+)+$", "(a|a)*c", "(?s)[ab].{45}~$", "(?s)^(.*a.*b){9}z", "\\pL{50}\\pN$"].map((source) => {
    const pattern = compilePattern(source);
    const noise = Buffer.alloc(2 * pattern.window, "abbabaabaa");
    const started = performance.now();
    const end = pattern.search(noise);
    t.diagnostic(`${source}: ${(performance.now() - started).toFixed(0)} ms over ${noise.length / 1024} KiB`);
    return end;
  });
  assert.deepEqual(ends, [undefined, undefined, undefined, undefined, undefined]);
});

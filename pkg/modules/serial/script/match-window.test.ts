import assert from "node:assert/strict";
import { test } from "node:test";
import { MatchWindow } from "./match-window.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

async function matches(window: MatchWindow, pattern: Pattern, signal: AbortSignal): Promise<boolean> {
  return (await window.consume([pattern], signal)) !== undefined;
}

test("a match is consumed through its end and the rest stays for the next pattern", async (t) => {
  const window = new MatchWindow();
  window.append(Buffer.from("foo ba"));
  const found = [await matches(window, compilePattern("bar"), t.signal)];
  window.append(Buffer.from("r baz"));
  found.push(await matches(window, compilePattern("bar"), t.signal));
  found.push(await matches(window, compilePattern("ba"), t.signal));
  found.push(await matches(window, compilePattern("ba"), t.signal));
  assert.deepEqual(found, [false, true, true, false]);
});

test("clearing forgets what was there", async (t) => {
  const window = new MatchWindow();
  window.append(Buffer.from("login:"));
  window.clear();
  assert.equal(await matches(window, compilePattern("login:"), t.signal), false);
});

test("a match may reach back 64 KiB beyond what was searched, and no further", async (t) => {
  const reach = async (gap: number) => {
    const window = new MatchWindow();
    const pattern = compilePattern("(?s)a.*z");
    window.append(Buffer.from(`a${"-".repeat(gap)}`));
    const early = await matches(window, pattern, t.signal);
    window.append(Buffer.from("z"));
    return [early, await matches(window, pattern, t.signal)];
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
    [pattern.window < 10_000, await matches(window, pattern, t.signal), await matches(window, pattern, t.signal)],
    [true, true, false],
  );
});

test("bytes that are no UTF-8 are searched as they are", async (t) => {
  const window = new MatchWindow();
  window.append(Buffer.from([0xff, 0xc3, 0x41, 0xc3, 0xa9, 0x21]));
  assert.deepEqual(
    [await matches(window, compilePattern("Aé"), t.signal), await matches(window, compilePattern("^!$"), t.signal)],
    [true, true],
  );
});

/** Letters in an order without a pattern, the same every time; an `a` at the end. */
function noise(length: number): Buffer {
  let state = 1;
  const bytes = Buffer.alloc(length, "a");
  for (let index = 0; index < length - 1; index += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    bytes.write("ab~z1"[state % 5] as string, index);
  }
  return bytes;
}

test("expressions made to be slow end, over two whole windows", (t) => {
  const slow = [
    "((a|b|~|z|1)+)+c?~$",
    "(?s)[ab].{45}~$",
    "(?s)[ab].{900}~$",
    "(?s)(a.{20}|b.{21}|.a.{17})~$",
    "(a*)*~$",
  ];
  const ends = slow.map((source) => {
    const pattern = compilePattern(source);
    const bytes = noise(2 * pattern.window);
    const started = performance.now();
    const end = pattern.search(bytes);
    t.diagnostic(
      `${source}: ${(performance.now() - started).toFixed(0)} ms over ${Math.round(bytes.length / 1024)} KiB`,
    );
    return end;
  });
  assert.deepEqual(ends, [undefined, undefined, undefined, undefined, undefined]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { planBoard, umlOptions } from "./options.ts";

test("a state directory is all that a board needs", () => {
  assert.deepEqual(planBoard(umlOptions.parse({ state: "/var/lib/board" })), {
    state: "/var/lib/board",
    kernel: "linux.uml",
    disk: "/var/lib/board/disk.img",
    console: "/var/lib/board/console",
    limitBytes: 8 * 1024 ** 3,
    memory: "64M",
    arguments: [],
    graceMs: 10_000,
  });
});

for (const [options, message] of [
  [{ state: "/a b" }, 'option state: the kernel cannot take the path "/a b"'],
  [{ state: "/a", disk: "/b,c" }, 'option disk: the kernel cannot take the path "/b,c"'],
  [{ state: `/${"a".repeat(88)}` }, `option state: /${"a".repeat(88)} is longer than 88 bytes`],
] as const) {
  test(`the options ${JSON.stringify(options).slice(0, 40)} are refused with the option named`, () => {
    assert.throws(() => planBoard(umlOptions.parse(options)), { code: "invalid_argument", message });
  });
}

test("the limit of an image may be small", () => {
  assert.deepEqual(
    ["3k", "2M", "1g"].map((limit) => planBoard(umlOptions.parse({ state: "/a", limit })).limitBytes),
    [3 * 1024, 2 * 1024 ** 2, 1024 ** 3],
  );
});

test("a memory without a unit and a grace that is no duration are refused where they stand", () => {
  const { error } = umlOptions.safeParse({ state: "/a", memory: "64", grace: "soon" });
  assert.deepEqual(
    error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`),
    [
      "memory: expected a number and k, M or G, such as 64M",
      'grace: time: invalid duration "soon" (write a number and a unit, such as 300ms, 1.5h or 1h30m)',
    ],
  );
});

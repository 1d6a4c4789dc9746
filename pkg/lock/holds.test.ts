import assert from "node:assert/strict";
import { test } from "node:test";
import { Holds } from "./holds.ts";

test("a device is held by one run until that run lets go, and letting go twice is harmless", () => {
  const holds = new Holds(() => 5_000);
  const first = holds.acquire("board", "alice@h");
  assert.deepEqual(holds.of("board"), { owner: "alice@h", since: 5_000 });
  for (const owner of ["bob@h", "alice@h"]) {
    assert.throws(() => holds.acquire("board", owner), {
      code: "failed_precondition",
      message: 'device "board" is locked by "alice@h"',
    });
  }
  holds.acquire("other", "bob@h");
  first[Symbol.dispose]();
  holds.acquire("board", "bob@h");
  first[Symbol.dispose]();
  assert.equal(holds.of("board")?.owner, "bob@h");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Locks } from "./locks.ts";

test("a device is held by one run until that run lets go, and letting go twice is harmless", () => {
  const locks = new Locks(() => 5_000);
  const request = (device: string, owner: string) => ({ device, owner, resources: [], runId: "1", command: "go" });
  const first = locks.hold(request("board", "alice@h"));
  assert.deepEqual(locks.holdOf("board"), { ...request("board", "alice@h"), since: 5_000 });
  for (const owner of ["bob@h", "alice@h"]) {
    assert.throws(() => locks.hold(request("board", owner)), {
      code: "failed_precondition",
      message: 'device "board" is locked by "alice@h"',
    });
  }
  locks.hold(request("other", "bob@h"));
  first[Symbol.dispose]();
  locks.hold(request("board", "bob@h"));
  first[Symbol.dispose]();
  assert.equal(locks.holdOf("board")?.owner, "bob@h");
});

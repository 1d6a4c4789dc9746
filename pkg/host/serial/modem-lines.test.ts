import assert from "node:assert/strict";
import { test } from "node:test";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { nodeSerialPorts } from "../node-serial-ports.ts";

const skip = withoutSocat;

test("a virtual terminal has no modem lines and no break, and says so", { skip }, async () => {
  await using pair = await openPtyPair();
  await using port = await nodeSerialPorts().open(pair.device, { baud: 115_200 });
  const failures = await Promise.allSettled([port.setLine("dtr", true), port.setLine("rts", false), port.sendBreak(1)]);
  assert.deepEqual(
    failures.map((failure) => failure.status === "rejected" && `${failure.reason.code}: ${failure.reason.message}`),
    ["set DTR of", "set RTS of", "send a break on"].map(
      (what) => `failed_precondition: cannot ${what} ${pair.device}: it has no break and no modem lines`,
    ),
  );
});

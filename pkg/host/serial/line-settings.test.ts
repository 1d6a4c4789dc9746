import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { nodeSerialPorts } from "../node-serial-ports.ts";

const skip = withoutSocat;

/** What stty(1) says of a terminal, of the words that are asked for, with or without their minus. */
function settingsOf(path: string, words: readonly string[]): readonly string[] {
  const all = execFileSync("stty", ["-F", path, "-a"], { encoding: "utf8" }).split(/[\s;]+/);
  return words.map((word) => all.find((found) => found.replace(/^-/, "") === word) ?? "?");
}

test("stop bits and flow control are set at the opening and changed while the port is open", { skip }, async () => {
  await using pair = await openPtyPair();
  const words = ["cstopb", "crtscts", "ixon", "ixoff"];
  await using port = await nodeSerialPorts().open(pair.device, { baud: 9600, stopBits: 2, flow: "xonxoff" });
  const first = settingsOf(pair.device, words);
  await port.configure({ baud: 9600, flow: "rtscts" });
  const second = settingsOf(pair.device, words);
  await port.configure({ baud: 9600 });
  assert.deepEqual(
    [first, second, settingsOf(pair.device, words)],
    [
      ["cstopb", "-crtscts", "ixon", "ixoff"],
      ["-cstopb", "crtscts", "-ixon", "-ixoff"],
      ["-cstopb", "-crtscts", "-ixon", "-ixoff"],
    ],
  );
});

test("a line that cannot have parity says which settings it does not take", { skip }, async () => {
  await using pair = await openPtyPair();
  const opening = nodeSerialPorts().open(pair.device, { baud: 9600, dataBits: 7, parity: "even", flow: "rtscts" });
  await assert.rejects(opening, {
    code: "invalid_argument",
    message: `${pair.device} cannot run at 9600 baud 7E1 rtscts`,
  });
});

test("a port that is not exclusive is another program's as soon as that one locks it, and can be claimed", {
  skip,
}, async () => {
  await using pair = await openPtyPair();
  const ports = nodeSerialPorts();
  await using port = await ports.open(pair.device, { baud: 9600, exclusive: false });
  const seen = [await ports.isWanted(pair.device)];
  {
    await using _ = await port.claim();
    seen.push(await ports.isWanted(pair.device));
  }
  seen.push(await ports.isWanted(pair.device));
  await using other = await nodeSerialPorts().open(pair.device, { baud: 9600 });
  seen.push(await ports.isWanted(pair.device));
  assert.deepEqual([other !== undefined, seen], [true, [false, true, false, true]]);
  await assert.rejects(port.claim(), {
    code: "failed_precondition",
    message: `serial port ${pair.device} is in use by another program`,
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { toolProgress } from "./tool-progress.ts";

/** What is reported of an output that comes in pieces of so many bytes. */
async function reported(output: string, pieceBytes = output.length): Promise<string[]> {
  const reports: string[] = [];
  const hear = toolProgress(async ({ done, unit, label }) => {
    reports.push(`${label} ${done} ${unit}`);
  });
  for (let start = 0; start < output.length; start += pieceBytes) {
    await hear(Buffer.from(output.slice(start, start + pieceBytes)));
  }
  return reports;
}

test("flashrom 1.3 tells its steps, wherever its output is cut", async () => {
  const output = `Found Winbond flash chip "W25Q128.V" (16384 kB, SPI) on dummy.
Reading old flash chip contents... done.
Erasing and writing flash chip... Erase/write done.
Verifying flash... VERIFIED.
`;
  const expected = ["read 0 steps", "erase and write 1 steps", "verify 2 steps"];
  for (const pieceBytes of [1, 7, 1000]) {
    assert.deepEqual(await reported(output, pieceBytes), expected);
  }
});

test("later ones tell percentages, and each is reported once", async () => {
  assert.deepEqual(await reported("[READ: 50%]...[READ: 50%]\r[ERASE:  1%][WRITE: 1%]"), [
    "read 50 percent",
    "erase 1 percent",
    "write 1 percent",
  ]);
  assert.deepEqual(await reported("[READ] 7% complete... [WRITE] 100% complete... "), [
    "read 7 percent",
    "write 100 percent",
  ]);
});

test("flashprog draws a bar", async () => {
  assert.deepEqual(
    await reported("\n\rReading... [==>   ]  40% \rReading... [======] 100% \n\rWriting... [>     ]   0% "),
    ["read 40 percent", "read 100 percent", "write 0 percent"],
  );
});

test("a tool that says nothing of it for a long time is not kept in memory", async () => {
  assert.deepEqual(await reported(`${"x".repeat(1_000_000)}Verifying flash... `, 1000), ["verify 0 steps"]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";

const program = join(import.meta.dirname, "../../test/programs/log-lines.ts");

function start(lines: number, signal: AbortSignal) {
  return spawn(process.execPath, [program, String(lines)], { stdio: ["ignore", "pipe", "pipe"], signal });
}

test("a full pipe that does not block loses no line and no part of one", async (t) => {
  const child = start(1000, t.signal);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  const numbers = stderr
    .trimEnd()
    .split("\n")
    .map((line) => Number(/ INFO {2}line number=(\d+) padding=x{1000}$/.exec(line)?.[1]));
  assert.deepEqual(
    { stdout, code, numbers },
    { stdout: "survived\n", code: 0, numbers: Array.from({ length: 1000 }, (_, number) => number) },
  );
});

test("a reader that went away does not end the program", async (t) => {
  const child = start(1000, t.signal);
  child.stderr.destroy();
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.deepEqual({ stdout, code }, { stdout: "survived\n", code: 0 });
});

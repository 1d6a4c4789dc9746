import assert from "node:assert/strict";
import { test } from "node:test";
import { Journal } from "./journal.ts";
import type { Entry, RunEvent } from "./run-event.ts";

const MiB = 1024 * 1024;

function stdout(text: string): RunEvent {
  return { kind: "stdout", bytes: Buffer.from(text) };
}

function chunk(start: number, length: number): RunEvent {
  return { kind: "file-chunk", transfer: 1, start, bytes: Buffer.alloc(length) };
}

/** A journal with a client that has taken nothing. */
function attached(): Journal {
  const journal = new Journal();
  journal.attach(0);
  return journal;
}

function inWords({ offset, event }: Entry): string {
  return event.kind === "stdout" || event.kind === "stderr"
    ? `${offset} ${event.kind} ${Buffer.from(event.bytes)}`
    : `${offset} ${event.kind}`;
}

/** Everything that waits for the client. */
function waiting(journal: Journal): string[] {
  const lines: string[] = [];
  for (let entry = journal.next(); entry !== undefined; entry = journal.next()) {
    lines.push(inWords(entry));
  }
  return lines;
}

/** Whether a promise is settled once everything that could settle it has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const marker = {};
  await new Promise(setImmediate);
  return (await Promise.race([promise, Promise.resolve(marker)])) !== marker;
}

test("events come one by one to a client that keeps up, each at its offset", async () => {
  const journal = attached();
  await journal.put(stdout("ab"));
  await journal.put({ kind: "raw-mode", on: true });
  await journal.put(stdout("c"));
  assert.deepEqual(waiting(journal), ["0 stdout ab", "2 raw-mode", "3 stdout c"]);
});

test("a notice that waits already is not said twice, and none beyond 16 wait", () => {
  const journal = attached();
  const notices = ["a", "a", ...Array.from({ length: 30 }, (_, place) => `${place}`), "a"];
  for (const text of notices) {
    journal.say({ kind: "notice", text });
  }
  const texts = () => {
    const said = [];
    for (let entry = journal.next(); entry !== undefined; entry = journal.next()) {
      said.push(entry.event.kind === "notice" ? entry.event.text : entry.event.kind);
    }
    return said;
  };
  assert.deepEqual(texts(), ["a", ...Array.from({ length: 15 }, (_, place) => `${place}`)]);
  journal.say({ kind: "notice", text: "a" });
  assert.deepEqual(texts(), ["a"]);
});

test("printed output waits at 1 MiB, files at 4 MiB, and goes on with what the client takes", async () => {
  const journal = attached();
  await journal.put(stdout("x".repeat(MiB - 1)));
  const late = journal.put(stdout("yz"));
  assert.equal(await isSettled(late), false);
  await journal.put(chunk(0, 3 * MiB));
  waiting(journal);
  assert.equal(await isSettled(late), false);
  journal.take(4 * MiB - 1);
  await late;
  assert.deepEqual(waiting(journal), [`${4 * MiB - 1} stdout yz`]);
});

test("a client that attaches anew gets what it has not taken, from the middle of an event if need be", async () => {
  const journal = attached();
  await journal.put(stdout("abc"));
  await journal.put(stdout("def"));
  await journal.put({ kind: "stderr", bytes: Buffer.from("ghi") });
  waiting(journal);
  journal.take(3);
  journal.detach();
  journal.attach(4);
  assert.deepEqual(waiting(journal), ["4 stdout ef", "6 stderr ghi"]);
  journal.attach(0);
  assert.deepEqual(waiting(journal), ["0 stdout abcd", "4 stdout ef", "6 stderr ghi"]);
});

test("of printed output that was taken the last 1 MiB is kept, of files nothing", async () => {
  const journal = attached();
  for (let count = 0; count < 20; count++) {
    await journal.put({ kind: "stdout", bytes: Buffer.alloc(64 * 1024) });
    await journal.put(chunk(0, 64 * 1024));
    waiting(journal);
    journal.take(journal.end);
  }
  journal.attach(0);
  const first = journal.next();
  assert.deepEqual([first?.offset, journal.keptBytes], [4 * 2 * 64 * 1024, MiB]);
});

test("while nobody is attached the oldest output is dropped, and files and requests are not", async () => {
  const journal = new Journal();
  await journal.put({ kind: "file-request", transfer: 1, name: "in" });
  for (let count = 0; count < 32; count++) {
    await journal.put({ kind: "stdout", bytes: Buffer.alloc(64 * 1024) });
  }
  await journal.put(chunk(0, 4 * MiB - 1000));
  const late = journal.put(chunk(4 * MiB, 1000));
  assert.equal(await isSettled(late), false);
  journal.attach(0);
  const offsets = waiting(journal).map((line) => line.split(" ", 2).join(" "));
  assert.deepEqual(
    [offsets.length, offsets[0], offsets[1], offsets.at(-1)],
    [18, "0 file-request", `${1 + MiB} stdout`, `${1 + 2 * MiB} file-chunk`],
  );
  journal.close(new Error("over"));
  await assert.rejects(late, { message: "over" });
});

test("many small pieces cost little more than their bytes", async () => {
  const journal = new Journal();
  for (let count = 0; count < 5_000; count++) {
    await journal.put(stdout("x"));
  }
  journal.attach(0);
  const entries = waiting(journal);
  assert.deepEqual([entries.length, entries.map((line) => line.split(" ")[2]).join("").length], [1, 5_000]);
});

test("of progress that waits only the newest is told", async () => {
  const journal = attached();
  for (const done of [1, 2, 3]) {
    await journal.put({ kind: "progress", progress: { done, total: 3, unit: "bytes", label: "write" } });
  }
  const told = journal.next()?.event;
  assert.deepEqual(told?.kind === "progress" && told.progress.done, 3);
  assert.equal(journal.next(), undefined);
});

test("the end of a run is said again to whoever attaches", async () => {
  const journal = attached();
  await journal.put(stdout("abc"));
  await journal.put({ kind: "end", outcome: { error: undefined, exitStatus: undefined } });
  journal.close(new Error("over"));
  for (const [offset, expected] of [
    [0, ["0 stdout abc", "3 end"]],
    [4, ["3 end"]],
  ] as const) {
    journal.attach(offset);
    assert.deepEqual(waiting(journal), expected);
    journal.take(4);
  }
});

test("nobody has taken or wants what was not said yet", () => {
  const refused = { code: "invalid_argument", message: "offset 1 is beyond the end of the output, which is 0" };
  assert.throws(() => attached().take(1), refused);
  assert.throws(() => attached().attach(1), refused);
  assert.throws(() => attached().attach(Number.NaN), { code: "invalid_argument" });
});

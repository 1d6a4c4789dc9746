import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openRollCall } from "#test/support/roll-call.ts";
import { nodeProcesses } from "./node-processes.ts";

const processes = nodeProcesses();

const shell = (t: TestContext, command: string, stdin: AsyncIterable<Uint8Array>) =>
  processes.start({ program: "/bin/sh", args: ["-c", command], stdin, signal: t.signal });

const text = async (output: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(output)).toString();

async function* pieces(...texts: readonly string[]) {
  for (const piece of texts) {
    yield Buffer.from(piece);
  }
}

test("a program reads all of its input, by name too, and then the end of it", async (t) => {
  await using plain = await shell(t, "cat", pieces("one\n", "no line feed"));
  await using byName = await shell(t, "cat /dev/stdin", pieces("two\n"));
  await using empty = await shell(t, "wc -c", pieces());
  assert.deepEqual(
    [await text(plain.stdout), await text(byName.stdout), await text(empty.stdout)],
    ["one\nno line feed", "two\n", "0\n"],
  );
});

test("an input that fails ends its program, and does not look whole to it", async (t) => {
  const read = Promise.withResolvers<void>();
  await using program = await shell(
    t,
    "trap 'echo asked; exit 5' TERM; cat; echo whole",
    (async function* () {
      yield Buffer.from("half\n");
      await read.promise;
      throw new Error("the client is gone");
    })(),
  );
  const said: string[] = [];
  for await (const piece of program.stdout) {
    said.push(String(piece));
    read.resolve();
  }
  assert.deepEqual([said, await program.exited], [["half\n", "asked\n"], { kind: "exited", code: 5 }]);
});

test("a program that waits for nobody ends while its user still thinks, and is not waited for", async (t) => {
  const never = Promise.withResolvers<void>();
  await using program = await shell(
    t,
    "exit 3",
    (async function* () {
      await never.promise;
      yield Buffer.from("");
    })(),
  );
  assert.deepEqual(await program.exited, { kind: "exited", code: 3 });
});

test("a program that closes its input early goes on", async (t) => {
  const megabyte = "x".repeat(1024 * 1024);
  await using program = await shell(t, "head -c 5; exec 0<&-; echo on", pieces(megabyte, megabyte));
  assert.deepEqual([await text(program.stdout), await program.exited], ["xxxxxon\n", { kind: "exited", code: 0 }]);
});

test("a program that does not read holds its input up", async (t) => {
  await using roll = await openRollCall();
  let taken = 0;
  await using program = await shell(
    t,
    `exec ${roll.attend("idle")}`,
    (async function* () {
      for (;;) {
        yield Buffer.alloc(16 * 1024);
        taken += 16;
      }
    })(),
  );
  await roll.came("idle");
  assert.ok(taken <= 256, `${taken} KiB taken`);
  program.kill("SIGTERM");
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGTERM" });
});

test("100 MB of input come out as they went in", { timeout: 30_000 }, async (t) => {
  const piece = Buffer.alloc(1024 * 1024, "0123456789abcdef");
  await using program = await shell(
    t,
    "cksum",
    (async function* () {
      for (let megabytes = 0; megabytes < 100; megabytes += 1) {
        yield piece;
      }
    })(),
  );
  await using known = await shell(t, "yes 0123456789abcdef | tr -d '\\n' | head -c 104857600 | cksum", pieces());
  assert.equal(await text(program.stdout), await text(known.stdout));
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Call } from "#pkg/modules/module.ts";
import { runBench } from "./test/run-bench.ts";
import { type Message, RunClient } from "./test/run-client.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/** Takes the file "in" and prints what it is. */
async function takeFile({ session }: Call): Promise<void> {
  const file = await session.requestFile("in");
  await session.print(JSON.stringify(file.attributes));
  await session.print(Buffer.concat(await Array.fromAsync(file)).toString());
}

const head = { case: "fileHead", value: { transfer: 1, name: "in", size: 6n, mode: 0o755 } } as const;

function chunk(offset: number, text: string) {
  return { case: "fileChunk", value: { transfer: 1, offset: BigInt(offset), data: Buffer.from(text) } } as const;
}

function end(text: string) {
  return { case: "fileEnd", value: { transfer: 1, size: BigInt(text.length), sha256: sha256(text) } } as const;
}

test("a file that was asked for arrives in pieces, with what is known of it", async () => {
  await using bench = await runBench(takeFile);
  using client = RunClient.start(bench.connect(), { runId: "1" });
  assert.equal(await client.until("file request"), "0 file request 1 in");
  client.send(head, chunk(0, "abc"), chunk(3, "def"), end("abcdef"));
  assert.deepEqual(await client.toEnd(), ['1 print {"size":6,"mode":493}', "22 print abcdef", "28 end ok"]);
});

test("an empty file arrives", async () => {
  await using bench = await runBench(takeFile);
  using client = RunClient.start(bench.connect(), { runId: "1" });
  await client.until("file request");
  client.send({ case: "fileHead", value: { transfer: 1, name: "in" } }, end(""));
  assert.deepEqual(await client.toEnd(), ["1 print {}", "3 end ok"]);
});

test("a file whose digest or size is another than announced fails its module with data_loss", async () => {
  await using bench = await runBench(async ({ session }) => {
    const file = await session.requestFile("in");
    await Array.fromAsync(file).catch((error) => session.print(`${error.code}: ${error.message}`));
  });
  const damaged = async (runId: string, ...content: readonly Message[]) => {
    using client = RunClient.start(bench.connect(), { runId });
    await client.until("file request");
    client.send(head, ...content);
    const [said] = await client.toEnd();
    await bench.engine.list()[0]?.stopped;
    return said;
  };
  assert.deepEqual(
    [
      await damaged("digest", chunk(0, "abcdef"), end("abcdeg")),
      await damaged("short", chunk(0, "abc"), end("abcdef")),
      await damaged("announced", chunk(0, "abc"), end("abc")),
    ],
    [
      '1 print data_loss: file "in" arrived damaged: its content is not what was sent: the SHA-256 digests differ',
      '1 print data_loss: file "in" arrived damaged: 6 bytes were announced and 3 came',
      '1 print data_loss: file "in" arrived damaged: 6 bytes were announced and 3 came',
    ],
  );
});

test("a client that does not hand over a file ends the run with its reason", async () => {
  await using bench = await runBench(takeFile);
  using client = RunClient.start(bench.connect(), { runId: "1" });
  await client.until("file request");
  client.send({ case: "fileRefusal", value: { transfer: 1, code: "not_found", message: "open in: no such file" } });
  assert.deepEqual(await client.toEnd(), ["1 end not_found open in: no such file"]);
});

test("an upload goes on where it was when the connection was lost", async () => {
  await using bench = await runBench(async ({ session }) => {
    for await (const piece of await session.requestFile("in")) {
      await session.print(Buffer.from(piece).toString());
    }
  });
  const connection = bench.connect();
  using client = RunClient.start(connection, { runId: "1", graceMs: 60_000 });
  await client.until("file request");
  client.send(head, chunk(0, "abc"));
  await client.until("abc");
  connection[Symbol.dispose]();
  using again = RunClient.attach(bench.connect(), "1", 4);
  const started = await again.next();
  assert.deepEqual(
    started?.msg.case === "started" && [started.msg.value.file?.transfer, started.msg.value.file?.offset],
    [1, 3n],
  );
  again.send(chunk(0, "abcd"), chunk(4, "ef"), end("abcdef"));
  assert.deepEqual(await again.toEnd(), ["4 print d", "5 print ef", "7 end ok"]);
});

test("a file of which nothing has come is asked for again by another client, and not by the one that knows of it", async () => {
  const taken = Promise.withResolvers<unknown>();
  await using bench = await runBench(async (call) => {
    using _ = call.session.onSignal(taken.resolve);
    await takeFile(call);
  });
  const connection = bench.connect();
  using client = RunClient.start(connection, { runId: "1", graceMs: 60_000 });
  await client.until("file request");
  client.send({ case: "taken", value: { offset: 1n } }, { case: "signal", value: { name: "SIGINT" } });
  await taken.promise;
  using same = RunClient.attach(connection, "1", 1);
  await same.until("started");
  using other = RunClient.attach(connection, "1", 0);
  assert.equal(await other.until("file request"), "0 file request 1 in");
  other.send({ case: "fileHead", value: { transfer: 1, name: "in", size: 3n } }, chunk(0, "abc"), end("abc"));
  assert.deepEqual(
    [await same.toEnd(), await other.toEnd()],
    [['aborted: another client has taken over run "1"'], ['1 print {"size":3}', "11 print abc", "14 end ok"]],
  );
});

test("a file of which only the head has come is the one that another client sends, with what is known of that", async () => {
  const taken = Promise.withResolvers<unknown>();
  await using bench = await runBench(async (call) => {
    using _ = call.session.onSignal(taken.resolve);
    await takeFile(call);
  });
  using client = RunClient.start(bench.connect(), { runId: "1", graceMs: 60_000 });
  await client.until("file request");
  client.send(head, { case: "signal", value: { name: "SIGINT" } });
  await taken.promise;
  using other = RunClient.attach(bench.connect(), "1", 0);
  await other.until("file request");
  other.send({ case: "fileHead", value: { transfer: 1, name: "in", size: 3n } }, chunk(0, "abc"), end("abc"));
  assert.deepEqual(await other.toEnd(), ['1 print {"size":3}', "11 print abc", "14 end ok"]);
});

test("a file that nobody asked for, and a piece out of its place, end the run", async () => {
  await using bench = await runBench(takeFile);
  using unwanted = RunClient.start(bench.connect(), { runId: "1" });
  await unwanted.until("file request");
  unwanted.send({ case: "fileHead", value: { transfer: 2, name: "other" } });
  assert.deepEqual(await unwanted.toEnd(), [
    "1 end invalid_argument bad file transfer: no file was asked for as transfer 2",
  ]);
  using gap = RunClient.start(bench.connect(), { runId: "2" });
  await gap.until("file request");
  gap.send(head, chunk(3, "def"));
  assert.equal(
    (await gap.toEnd()).at(-1)?.replace(/^\d+ /, ""),
    'end invalid_argument bad file transfer: a chunk of "in" at offset 3 came when only 0 bytes were there',
  );
});

test("a file that nobody reads holds up neither input nor a cancel, and is not taken in beyond its credit", async () => {
  await using bench = await runBench(async ({ session, signal }) => {
    await session.requestFile("in");
    for await (const piece of session.stdin) {
      await session.print(Buffer.from(piece).toString());
    }
    signal.throwIfAborted();
  });
  using client = RunClient.start(bench.connect(), { runId: "1" });
  await client.until("file request");
  client.send({ case: "fileHead", value: { transfer: 1, name: "in" } });
  for (let offset = 0; offset < 4 * 1024 * 1024; offset += 256 * 1024) {
    client.send({ case: "fileChunk", value: { transfer: 1, offset: BigInt(offset), data: Buffer.alloc(256 * 1024) } });
  }
  client.send({ case: "input", value: { data: Buffer.from("typed"), offset: 0n } });
  assert.equal(await client.until("print"), "1 print typed");
  client.send({ case: "cancel", value: { reason: "enough" } });
  assert.deepEqual(await client.toEnd(), ["6 end canceled enough"]);
});

test("a file from the agent comes in pieces of 256 KiB at most, then its size and digest", async () => {
  const content = Buffer.alloc(300 * 1024, "y");
  await using bench = await runBench(({ session }) =>
    session.sendFile(
      "out",
      (async function* () {
        yield content;
      })(),
      { size: content.length, mode: 0o644 },
    ),
  );
  using client = RunClient.start(bench.connect(), { runId: "1" });
  const said = (await client.toEnd()).map((line) => line.replace(/y+$/, ({ length }) => `y × ${length}`));
  const digest = createHash("sha256").update(content).digest("hex");
  assert.deepEqual(said, [
    "started 1",
    "0 file head 1 out 307200 420",
    "1 file chunk 1 0 y × 262144",
    "262145 file chunk 1 262144 y × 45056",
    `307201 file end 1 307200 ${digest}`,
    "307202 end ok",
  ]);
});

test("a download goes on where it was when the connection was lost", async () => {
  const whole = Buffer.alloc(8 * 1024 * 1024, "z");
  await using bench = await runBench(({ session }) =>
    session.sendFile(
      "out",
      (async function* () {
        yield whole;
      })(),
    ),
  );
  const connection = bench.connect();
  using client = RunClient.start(connection, { runId: "1", graceMs: 60_000 });
  await client.until("file chunk");
  connection[Symbol.dispose]();
  using again = RunClient.attach(bench.connect(), "1", 1 + 100_000);
  let next = 100_000;
  let digest: string | undefined;
  for (let response = await again.next(); response !== undefined; response = await again.next()) {
    const { offset, msg } = response;
    if (msg.case === "fileChunk") {
      assert.equal(Number(msg.value.offset), next);
      next += msg.value.data.length;
      again.send({ case: "taken", value: { offset: offset + BigInt(msg.value.data.length) } });
    } else if (msg.case === "fileEnd") {
      digest = Buffer.from(msg.value.sha256).toString("hex");
    } else if (msg.case === "end") {
      again.close();
    }
  }
  assert.deepEqual([next, digest], [whole.length, createHash("sha256").update(whole).digest("hex")]);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { nodeSockets } from "#pkg/host/node-sockets.ts";
import { openQmp, type QmpEvent } from "./qmp.ts";

const greeting = '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}\r\n';

interface Asked {
  readonly execute: string;
  readonly id: number;
}

/** A QEMU that greets and answers with what a test says; everything that the client does is over a real socket. */
async function fakeQemu(t: TestContext, answer: (asked: Asked, socket: Socket) => void) {
  const directory = await mkdtempDisposable(join(tmpdir(), "qmp-"));
  t.after(() => directory.remove());
  const path = join(directory.path, "monitor");
  const listener = await nodeSockets().listen(path);
  t.after(() => listener[Symbol.asyncDispose]());
  const socket = connect(path);
  t.after(() => socket.destroy());
  await once(socket, "connect");
  socket.write(greeting);
  const lines = createInterface({ input: socket }).on("line", (line) => answer(JSON.parse(line), socket));
  for (const end of [socket, lines]) {
    // The client may hang up in the middle of a line.
    end.on("error", () => {});
  }
  return await listener.accept(t.signal);
}

const reply = (socket: Socket, message: object) => socket.write(`${JSON.stringify(message)}\r\n`);

test("answers find their commands in any order, events come in between, and a refusal has QEMU's words", async (t) => {
  const held: Asked[] = [];
  const connection = await fakeQemu(t, (asked, socket) => {
    if (asked.execute === "first") {
      held.push(asked);
    } else if (asked.execute === "bad") {
      reply(socket, { id: asked.id, error: { class: "GenericError", desc: "no such thing" } });
    } else {
      reply(socket, { event: "RESET", timestamp: { seconds: 1, microseconds: 2 } });
      reply(socket, { id: asked.id, return: { asked: asked.execute } });
      for (const { id, execute } of held.splice(0)) {
        reply(socket, { id, return: { asked: execute } });
      }
    }
  });
  const events: QmpEvent[] = [];
  await using qmp = await openQmp(connection, (event) => events.push(event), t.signal);
  const [first, second] = await Promise.all([qmp.execute("first", {}, t.signal), qmp.execute("second", {}, t.signal)]);
  await assert.rejects(qmp.execute("bad", {}, t.signal), {
    code: "failed_precondition",
    message: "qemu refuses: no such thing",
  });
  assert.deepEqual(
    { first, second, events },
    {
      first: { asked: "first" },
      second: { asked: "second" },
      events: [
        { event: "RESET", data: {} },
        { event: "RESET", data: {} },
      ],
    },
  );
});

test("a QEMU that does not answer is waited for no longer than the limit, and heard again afterwards", async (t) => {
  const connection = await fakeQemu(t, (asked, socket) => {
    if (asked.execute !== "hang") {
      reply(socket, { id: asked.id, return: {} });
    }
  });
  await using qmp = await openQmp(connection, () => {}, t.signal, { firstMs: 10_000, answerMs: 2000 });
  await assert.rejects(qmp.execute("hang", {}, t.signal), {
    code: "deadline_exceeded",
    message: "qemu does not answer within 2s",
  });
  assert.deepEqual(await qmp.execute("quit", {}, t.signal), {});
  const stop = new AbortController();
  const asking = qmp.execute("hang", {}, stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(asking, new Error("enough"));
});

test("a QEMU that goes away fails what was asked and what is asked later", async (t) => {
  const connection = await fakeQemu(t, (asked, socket) => {
    if (asked.execute === "qmp_capabilities") {
      reply(socket, { id: asked.id, return: {} });
    } else {
      socket.destroy();
    }
  });
  await using qmp = await openQmp(connection, () => {}, t.signal);
  const gone = { code: "unavailable", message: "qemu closed its monitor" };
  await assert.rejects(qmp.execute("stop", {}, t.signal), gone);
  await assert.rejects(qmp.execute("stop", {}, t.signal), gone);
});

for (const [what, sent, reason] of [
  ["a line without an end", Buffer.alloc(300_000, "x"), /a line is longer than 262144 bytes/],
  ["what is not JSON", "hello\n", /is not valid JSON/],
  ["a message of another kind", '{"return": {}}\n', /Invalid input/],
] as const) {
  test(`${what} is the end of the conversation`, async (t) => {
    const connection = await fakeQemu(t, (asked, socket) => {
      if (asked.execute === "qmp_capabilities") {
        reply(socket, { id: asked.id, return: {} });
      } else {
        socket.write(sent);
      }
    });
    await using qmp = await openQmp(connection, () => {}, t.signal);
    await assert.rejects(qmp.execute("stop", {}, t.signal), { code: "data_loss", message: reason });
  });
}

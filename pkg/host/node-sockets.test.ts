import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable, readdir } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeSockets } from "./node-sockets.ts";

const sockets = nodeSockets();

test("two programs talk, until one closes; nothing stays", async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "sockets-"));
  const path = join(directory.path, "talk");
  const heard: string[] = [];
  {
    await using listener = await sockets.listen(path);
    const peer = connect(path);
    await using connection = await listener.accept(t.signal);
    await connection.write(Buffer.from("hello"), t.signal);
    const [said] = await once(peer, "data");
    peer.end(`${said}, you`);
    for await (const piece of connection.received) {
      heard.push(Buffer.from(piece).toString());
    }
  }
  assert.deepEqual([heard, await readdir(directory.path)], [["hello, you"], []]);
});

test("who connected before it was accepted is there, with what it said", async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "sockets-"));
  await using listener = await sockets.listen(join(directory.path, "talk"));
  const peer = connect(join(directory.path, "talk"));
  await once(peer, "connect");
  peer.end("early");
  await using connection = await listener.accept(t.signal);
  assert.equal(Buffer.concat(await Array.fromAsync(connection.received)).toString(), "early");
});

test("waiting ends with the signal's reason, also for a peer that does not read", async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "sockets-"));
  const path = join(directory.path, "talk");
  await using listener = await sockets.listen(path);
  const stop = new AbortController();
  const accepting = listener.accept(stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(accepting, new Error("enough"));
  const peer = connect(path);
  await using connection = await listener.accept(t.signal);
  peer.pause();
  const stopWriting = new AbortController();
  const writing = connection.write(Buffer.alloc(16 * 1024 * 1024), stopWriting.signal);
  stopWriting.abort(new Error("too slow"));
  await assert.rejects(writing, new Error("too slow"));
  peer.destroy();
});

test("what cannot be written any more, a name that is taken and one that is too long are named", async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "sockets-"));
  const path = join(directory.path, "talk");
  await using listener = await sockets.listen(path);
  const peer = connect(path);
  await using connection = await listener.accept(t.signal);
  peer.destroy();
  await Array.fromAsync(connection.received);
  await assert.rejects(connection.write(Buffer.from("x"), t.signal), { code: "unavailable" });
  await assert.rejects(sockets.listen(path), {
    code: "already_exists",
    message: `listen at ${path}: something is there already`,
  });
  await assert.rejects(sockets.listen(join(directory.path, "a".repeat(100))), { code: "invalid_argument" });
});

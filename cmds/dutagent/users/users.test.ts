import assert from "node:assert/strict";
import { once } from "node:events";
import { access, mkdtempDisposable, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openUsers, type UsersOptions } from "./users.ts";

const soon = { firstMs: 1, nextMs: 1 };
const late = { firstMs: 60_000, nextMs: 1 };

async function counting(options: Partial<UsersOptions>) {
  await using acquired = new AsyncDisposableStack();
  const folder = acquired.use(await mkdtempDisposable(join(tmpdir(), "users-")));
  const path = join(folder.path, "users");
  // As a killed agent leaves it: in the way.
  await writeFile(path, "");
  const users = acquired.use(await openUsers(path, { busy: () => false, outdated: async () => undefined, ...options }));
  const release = acquired.move();
  return { users, path, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

/** A user, with what he was greeted by; the empty text for one who was sent away. */
async function come(path: string) {
  const socket = createConnection({ path });
  let greeting = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    greeting += text;
  });
  await Promise.race([once(socket, "data"), once(socket, "close")]);
  return {
    greeting,
    /** Resolves when the agent has heard of it. */
    async go() {
      socket.end();
      await once(socket, "close");
    },
  };
}

async function reason(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
  return signal.reason;
}

test("an agent that nobody comes to is unused, and then its socket is gone", async () => {
  await using open = await counting({ patience: soon });
  assert.equal(await reason(open.users.unused), "unused");
  await assert.rejects(access(open.path), { code: "ENOENT" });
});

test("an agent is used until the last of its users has gone", async () => {
  await using open = await counting({ patience: late });
  const [first, second] = [await come(open.path), await come(open.path)];
  assert.equal(first.greeting, `${JSON.stringify({ pid: process.pid, notes: [] })}\n`);
  await first.go();
  const third = await come(open.path);
  await second.go();
  assert.equal(open.users.unused.aborted, false);
  await third.go();
  assert.equal(await reason(open.users.unused), "unused");
});

test("what is going on counts as a user until somebody looks and it is over", async () => {
  let busy = true;
  await using open = await counting({ patience: late, busy: () => busy });
  await (await come(open.path)).go();
  // A timer of the agent's would be due before this one.
  await delay(late.nextMs + 1);
  assert.equal(open.users.unused.aborted, false);
  busy = false;
  open.users.look();
  assert.equal(await reason(open.users.unused), "unused");
});

test("an outdated agent goes when one comes who is alone, and tells others that it is", async () => {
  let changed: string | undefined;
  await using open = await counting({ patience: { firstMs: 60_000, nextMs: 60_000 }, outdated: async () => changed });
  const first = await come(open.path);
  changed = "it has changed";
  const second = await come(open.path);
  assert.equal(second.greeting, `${JSON.stringify({ pid: process.pid, notes: ["it has changed"] })}\n`);
  await first.go();
  await second.go();
  assert.equal((await come(open.path)).greeting, "");
  assert.equal(await reason(open.users.unused), "outdated");
});

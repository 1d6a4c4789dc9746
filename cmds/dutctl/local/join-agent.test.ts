import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { joinAgent } from "./join-agent.ts";

const never = new AbortController().signal;

test("an agent that takes the connection and says nothing is not waited for without end", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "join-"));
  const path = join(folder.path, "users");
  const taken = new Set<Socket>();
  await using server = createServer((socket) => taken.add(socket)).listen({ path });
  await once(server, "listening");
  await assert.rejects(joinAgent(path, never, 1), {
    code: "unavailable",
    message: "the dutagent that serves this configuration has said nothing for 1ms",
    hint: `it is stopped or hangs; end it (pgrep -f ${path} shows its pid) and try again`,
  });
  for (const socket of taken) {
    socket.destroy();
  }
});

test("where nobody counts users there is nobody to join", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "join-"));
  assert.equal(await joinAgent(join(folder.path, "users"), never), undefined);
});

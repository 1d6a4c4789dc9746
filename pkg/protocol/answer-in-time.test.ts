import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import { answeredInTime } from "./answer-in-time.ts";
import { limits } from "./limits.ts";

const address = { kind: "unix", path: "/run/peer" } as const;
const silence = new Promise<never>(() => {});

test("a peer that answers has its answer taken, and its socket left open", async (t) => {
  const socket = new Socket();
  assert.equal(await answeredInTime(Promise.resolve("yes"), socket, address, t.signal), "yes");
  assert.equal(socket.destroyed, false);
});

test("a peer that says nothing is given up after the time to connect, and so is its socket", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const socket = new Socket();
  const answer = answeredInTime(silence, socket, address, t.signal);
  t.mock.timers.tick(limits.connectMs);
  await assert.rejects(answer, { code: "unavailable", message: "no answer from unix:/run/peer within 10 s" });
  assert.equal(socket.destroyed, true);
});

test("a wait that is aborted, also before it began, throws the reason and leaves no socket", async () => {
  const reason = new Error("the user is gone");
  const ending = new AbortController();
  const sockets = [new Socket(), new Socket()];
  const [begun, late] = sockets as [Socket, Socket];
  const waiting = answeredInTime(silence, begun, address, ending.signal);
  ending.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(answeredInTime(silence, late, address, ending.signal), reason);
  assert.deepEqual(
    sockets.map(({ destroyed }) => destroyed),
    [true, true],
  );
});

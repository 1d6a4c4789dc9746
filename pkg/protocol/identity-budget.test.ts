import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import { type Peer, setPeer } from "#pkg/auth/peer.ts";
import { IdentityBudget } from "./identity-budget.ts";
import { limits } from "./limits.ts";

const most = limits.connections.perIdentity;

const certificate = { kind: "certificate", role: "user", fingerprint: "f" } as const;

function open() {
  const budget = new IdentityBudget();
  return (peer: Peer) => {
    const socket = new Socket();
    setPeer(socket, peer);
    return { socket, refusal: budget.admit(socket) };
  };
}

test("a connection that closes makes room for one of the same user, whose new key is no other user's", () => {
  const admit = open();
  const alice = { ...certificate, name: "alice" };
  const [first] = Array.from({ length: most }, () => admit(alice));
  const refusal = `user "alice" has ${most} connections here, which is all that a certificate may have`;
  const before = [admit({ ...alice, fingerprint: "other" }).refusal, admit({ ...certificate, name: "bob" }).refusal];
  first?.socket.emit("close");
  const after = [admit(alice).refusal, admit(alice).refusal];
  assert.deepEqual(
    [before, after],
    [
      [refusal, undefined],
      [undefined, refusal],
    ],
  );
});

test("those without a certificate are not counted together", () => {
  const admit = open();
  const refusals = Array.from({ length: most + 1 }, () => admit({ kind: "anonymous" }).refusal);
  assert.deepEqual(new Set(refusals), new Set([undefined]));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { callerNamed, refuseTakeover } from "./admission.ts";
import type { Peer, Role } from "./peer.ts";

function peerWith(role: Role | undefined, name = "alice"): Peer {
  return { kind: "certificate", role, name, fingerprint: "SHA256:x" };
}

/** Who calls, or the sentence that refuses it. */
function caller(peer: Peer, from: string, path = "/dutctl.v1.DeviceService/Lock"): string {
  try {
    return `as ${callerNamed(peer, { path, from })}`;
  } catch (error) {
    return error instanceof DutError && error.code === "permission_denied" ? error.message : String(error);
  }
}

const register = "/dutctl.v1.RelayService/Register";

test("a user is the name in the certificate, and nobody else", () => {
  const alice = peerWith("user");
  assert.deepEqual(
    [caller(alice, ""), caller(alice, "alice"), caller(alice, "bob"), caller(alice, "", register)],
    [
      "as alice",
      "as alice",
      'the certificate of user "alice" does not speak for "bob"',
      'the certificate of user "alice" registers no devices',
    ],
  );
});

test("without a certificate a caller is who he says", () => {
  assert.deepEqual([caller({ kind: "anonymous" }, "bob"), caller({ kind: "anonymous" }, "")], ["as bob", "as "]);
});

test("another server passes on who its callers are", () => {
  assert.deepEqual([caller(peerWith("server"), "bob"), caller(peerWith("server"), "")], ["as bob", "as "]);
});

test("an agent asks for health, registers, and does nothing else", () => {
  const bench = peerWith("agent", "bench");
  const paths = ["/healthz", "/readyz", "/grpc.health.v1.Health/Check", register, "/healthz/../x", "/x"];
  assert.deepEqual(
    [...paths.map((path) => caller(bench, "", path)), caller(bench, "bob", register)],
    [
      ...["as bench", "as bench", "as bench", "as bench"],
      'the certificate of agent "bench" calls nothing but what agents need',
      'the certificate of agent "bench" calls nothing but what agents need',
      'the certificate of agent "bench" does not speak for "bob"',
    ],
  );
});

test("a certificate of a foreign authority is of somebody who may be user or agent", () => {
  const peer = peerWith(undefined, "Alice Example");
  assert.deepEqual(
    [caller(peer, ""), caller(peer, "bob"), caller(peer, "", register)],
    ["as Alice Example", 'the certificate of "Alice Example" does not speak for "bob"', "as Alice Example"],
  );
});

test("agents take connections over to be called, and only servers to call", () => {
  const peers = [
    ...(["user", "agent", "server", undefined] as const).map((role) => peerWith(role)),
    { kind: "anonymous" } as const,
  ];
  const taken = (protocol: string) =>
    peers.map((peer) => {
      try {
        refuseTakeover(peer, protocol);
        return "taken";
      } catch (error) {
        return error instanceof DutError ? error.code : String(error);
      }
    });
  const no = "permission_denied";
  assert.deepEqual(
    [taken("dutlab-agent"), taken("dutlab-peer")],
    [
      [no, "taken", "taken", "taken", "taken"],
      [no, no, "taken", no, "taken"],
    ],
  );
});

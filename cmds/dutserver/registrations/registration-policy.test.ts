import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { parseRegistrationPolicy, registeredTarget } from "./registration-policy.ts";

const policy = parseRegistrationPolicy("127.0.0.0/8");
const socket = parseAddress("unix:/run/agent.sock");

test("a unix socket is called for who came over one himself", async () => {
  assert.deepEqual(await registeredTarget(socket, undefined, policy), socket);
});

test("a unix socket is not called for who came over TCP, from this machine neither", async () => {
  await assert.rejects(registeredTarget(socket, "127.0.0.1", policy), {
    code: "permission_denied",
    message: "unix:/run/agent.sock is not where this registration comes from, 127.0.0.1",
  });
});

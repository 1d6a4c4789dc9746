import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { defaultIdentity } from "./identity.ts";

const anonymous = /^unknown-[0-9a-f]{8}$/;

const alice = { env: { USER: "alice" }, hostname: () => "desk", userName: () => "root" };
const unknown = () => {
  throw new Error("uname failed");
};

test("a user is known by name and computer", () => {
  assert.equal(defaultIdentity(alice, silentLog), "alice@desk");
});

test("where USER is not set, as in containers and timers, it is the name of the account at every call", () => {
  assert.deepEqual(
    [{}, { USER: "" }].map((env) => defaultIdentity({ ...alice, env }, silentLog)),
    ["root@desk", "root@desk"],
  );
});

test("without a user or a name of the computer, every call has a name of its own", () => {
  const nameless = { ...alice, hostname: unknown };
  assert.match(defaultIdentity({ ...alice, env: {}, userName: unknown }, silentLog), anonymous);
  assert.match(defaultIdentity(nameless, silentLog), anonymous);
  assert.notEqual(defaultIdentity(nameless, silentLog), defaultIdentity(nameless, silentLog));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { defaultIdentity } from "./identity.ts";

const anonymous = /^unknown-[0-9a-f]{8}$/;

test("a user is known by name and computer", () => {
  assert.equal(defaultIdentity({ env: { USER: "alice" }, hostname: () => "desk" }, silentLog), "alice@desk");
});

test("without a user or a name of the computer, every call has a name of its own", () => {
  const nameless = {
    env: { USER: "alice" },
    hostname: () => {
      throw new Error("uname failed");
    },
  };
  assert.match(defaultIdentity({ env: {}, hostname: () => "desk" }, silentLog), anonymous);
  assert.match(defaultIdentity(nameless, silentLog), anonymous);
  assert.notEqual(defaultIdentity(nameless, silentLog), defaultIdentity(nameless, silentLog));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { connectErrorFrom } from "./fault.ts";

function told(message: string): string {
  return connectErrorFrom(new DutError("not_found", message, { hint: "look again" })).rawMessage;
}

test("an error that trailers can carry is told whole", () => {
  const message = `no device ${"x".repeat(40_000)}`;
  assert.equal(told(message), `${message} (look again)`);
});

test("of an error that is too long for trailers the beginning and the hint arrive", () => {
  for (const filling of ["x", "é", "日", "🙂"]) {
    const text = told(`no device ${filling.repeat(60_000)}`);
    assert.ok(text.startsWith("no device ") && text.endsWith(" (look again)"), text.slice(-20));
    assert.ok(encodeURIComponent(text).length < 64 * 1024);
  }
});

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "./errno.ts";

test("a refusal of the kernel says what was being done and keeps its cause", async () => {
  const cause = await readFile("/nowhere/at/all").catch((error: unknown) => error);
  const { code, message, hint, cause: kept } = fromErrno(cause, "read /nowhere/at/all", { hint: "check the path" });
  assert.deepEqual(
    { code, message, hint, kept },
    {
      code: "not_found",
      message: "read /nowhere/at/all: no such file or directory",
      hint: "check the path",
      kept: cause,
    },
  );
});

test("an error without a known meaning is internal and keeps its own words", () => {
  const { code, message } = fromErrno(new Error("odd"), "open it");
  assert.deepEqual([code, message], ["internal", "open it: odd"]);
});

test("an error that has been translated stays what it is", () => {
  const error = new DutError("unavailable", "gone");
  assert.equal(fromErrno(error, "read it"), error);
});

test("only errors of the platform have a kernel's name", () => {
  assert.deepEqual(
    [errnoOf(Object.assign(new Error("x"), { code: "EIO" })), errnoOf(new Error("x")), errnoOf("EIO")],
    ["EIO", undefined, undefined],
  );
});

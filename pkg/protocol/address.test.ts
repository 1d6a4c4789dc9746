import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";

const readable: readonly [string, Address, string][] = [
  ["localhost:2024", { kind: "tcp", host: "localhost", port: 2024 }, "localhost:2024"],
  ["bench-3", { kind: "tcp", host: "bench-3", port: 1024 }, "bench-3:1024"],
  [":80", { kind: "tcp", host: "", port: 80 }, ":80"],
  ["[::1]:1025", { kind: "tcp", host: "::1", port: 1025 }, "[::1]:1025"],
  ["[fe80::1]", { kind: "tcp", host: "fe80::1", port: 1024 }, "[fe80::1]:1024"],
  ["unix:/run/dut.sock", { kind: "unix", path: "/run/dut.sock" }, "unix:/run/dut.sock"],
];

for (const [text, address, canonical] of readable) {
  test(`${text} is an address, written ${canonical}`, () => {
    assert.deepEqual(parseAddress(text), address);
    assert.equal(formatAddress(address), canonical);
  });
}

for (const text of ["", "::1", "a:b", "localhost:70000", "http://localhost", "unix:relative", "two words:1"]) {
  test(`${JSON.stringify(text)} is no address, and the error quotes it and says what to write`, () => {
    assert.throws(
      () => parseAddress(text),
      (error) =>
        error instanceof DutError &&
        error.code === "invalid_argument" &&
        error.message === `invalid address ${JSON.stringify(text)}` &&
        error.hint !== undefined,
    );
  });
}

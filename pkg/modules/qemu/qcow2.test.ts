import assert from "node:assert/strict";
import { test } from "node:test";
import { describeQcow2 } from "./qcow2.ts";

const gib = 1024 ** 3;

/** The header of qcow2 version 3 with a disk of 1 GiB. */
function header(change: (head: Buffer) => void = () => {}): Buffer {
  const head = Buffer.alloc(512);
  head.write("QFI\xfb", "latin1");
  head.writeUInt32BE(3, 4);
  head.writeBigUInt64BE(BigInt(gib), 24);
  change(head);
  return head;
}

test("a qcow2 image tells how large its disk is", () => {
  assert.equal(describeQcow2(header(), gib), `qcow2 with a disk of ${gib} bytes`);
});

for (const [what, image, message] of [
  ["that takes content from another file", header((head) => head.writeBigUInt64BE(512n, 8)), /it needs a backing file/],
  [
    "that keeps its data elsewhere",
    header((head) => head.writeBigUInt64BE(4n, 72)),
    /it keeps its data in another file/,
  ],
  ["of an unknown version", header((head) => head.writeUInt32BE(4, 4)), /does not begin as qcow2 does/],
  ["that is raw", Buffer.alloc(512), /does not begin as qcow2 does/],
  ["that is cut off at once", Buffer.from("QFI\xfb", "latin1"), /does not begin as qcow2 does/],
] as const) {
  test(`an image ${what} is refused`, () => {
    assert.throws(() => describeQcow2(image, gib), { code: "invalid_argument", message });
  });
}

test("a small image with a disk beyond the limit is refused", () => {
  assert.throws(() => describeQcow2(header(), gib - 1), { code: "resource_exhausted" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { file_dutctl_v1_dutctl } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import golden from "./golden-messages.json" with { type: "json" };

// The bytes were made by another implementation: buf convert, from the same JSON.

test("every message of the protocol has golden bytes", () => {
  assert.deepEqual(
    new Set(golden.map(({ message }) => message)),
    new Set(file_dutctl_v1_dutctl.messages.map(({ name }) => name)),
  );
});

for (const { message, json, hex } of golden) {
  test(`${message} ${JSON.stringify(json)} has the same bytes as ever, both ways`, () => {
    const schema = file_dutctl_v1_dutctl.messages.find(({ name }) => name === message);
    assert.ok(schema);
    assert.equal(Buffer.from(toBinary(schema, fromJson(schema, json))).toString("hex"), hex);
    assert.deepEqual(toJson(schema, fromBinary(schema, Buffer.from(hex, "hex"))), json);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { file_dutctl_v1_dutctl } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { file_dutlab_v1_dutlab } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import lab from "./golden-lab-messages.json" with { type: "json" };
import v1 from "./golden-messages.json" with { type: "json" };

// The bytes were made by another implementation: buf convert, from the same JSON.

for (const [file, golden] of [
  [file_dutctl_v1_dutctl, v1],
  [file_dutlab_v1_dutlab, lab],
] as const) {
  const protocol = file.proto.package;

  test(`every message of ${protocol} has golden bytes`, () => {
    assert.deepEqual(new Set(golden.map(({ message }) => message)), new Set(file.messages.map(({ name }) => name)));
  });

  for (const { message, json, hex } of golden) {
    test(`${protocol}.${message} ${JSON.stringify(json)} has the same bytes as ever, both ways`, () => {
      const schema = file.messages.find(({ name }) => name === message);
      assert.ok(schema);
      assert.equal(Buffer.from(toBinary(schema, fromJson(schema, json))).toString("hex"), hex);
      assert.deepEqual(toJson(schema, fromBinary(schema, Buffer.from(hex, "hex"))), json);
    });
  }
}

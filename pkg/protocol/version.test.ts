import assert from "node:assert/strict";
import { test } from "node:test";
import { compareVersions, protocolVersion, refuseIncompatible, type VersionRelation } from "./version.ts";

const compatible: VersionRelation = { kind: "compatible" };
const incomparable: VersionRelation = { kind: "differs", order: "different", reason: "versions not comparable" };

const relations: readonly [string, string, VersionRelation][] = [
  ["1.0.0-alpha.1+0.1.0", "1.0.0-alpha.1", compatible],
  ["1.0.0", "v1.0.7", compatible],
  ["1.0.0", "1", compatible],
  ["1.0.0-alpha.1", "1.0.3", compatible],
  ["1.0.0", "1.2", { kind: "differs", order: "older", reason: "minor version mismatch" }],
  ["1.2.0", "1.0.0", { kind: "differs", order: "newer", reason: "minor version mismatch" }],
  ["1.0.0-alpha.1", "1.0.0-alpha.2", { kind: "differs", order: "older", reason: "pre-release version mismatch" }],
  ["1.0.0-alpha.10", "1.0.0-alpha.9", { kind: "differs", order: "newer", reason: "pre-release version mismatch" }],
  ["1.0.0-alpha", "1.0.0", { kind: "differs", order: "older", reason: "pre-release version mismatch" }],
  ["1.0.0", "2.0.0", { kind: "incompatible", order: "older", reason: "major version mismatch" }],
  ["1.0.0", "", incomparable],
  ["1.0.0", "latest", incomparable],
];

for (const [own, peer, relation] of relations) {
  test(`${own} towards ${JSON.stringify(peer)} is ${relation.kind}`, () => {
    assert.deepEqual(compareVersions(own, peer), relation);
  });
}

test("only another major version is refused, in the words of the existing programs", () => {
  refuseIncompatible("agent", "");
  refuseIncompatible("agent", "1.9.0");
  assert.throws(() => refuseIncompatible("agent", "2.0.0"), {
    code: "failed_precondition",
    message: `incompatible dutctl versions: agent ${protocolVersion}, client 2.0.0 (major version mismatch)`,
  });
  assert.throws(() => refuseIncompatible("dutserver", "0.9"), {
    message: `incompatible dutctl versions: dutserver ${protocolVersion}, peer "0.9" (major version mismatch)`,
  });
});

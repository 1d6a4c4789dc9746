import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { knownHostsLine, knownKeys } from "./known-hosts.ts";
import { fingerprintOf } from "./public-key.ts";

/** A key whose last byte says which. */
function key(number: number): { readonly text: string; readonly blob: Buffer } {
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([number])]);
  return { text: `ssh-ed25519 ${blob.toString("base64")}`, blob };
}

function hashed(name: string): string {
  const salt = Buffer.from("twenty bytes of salt");
  return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
}

const file = [
  "# a comment",
  "",
  `board,10.0.0.7 ${key(1).text} me@desk`,
  `Board.Example ${key(2).text}`,
  `[board]:2222 ${key(3).text}`,
  `${hashed("hidden")} ${key(4).text}`,
  `*.lab,!bad.lab ${key(5).text}`,
  `@revoked board ${key(6).text}`,
  `@cert-authority * ${key(7).text}`,
  "board ssh-ed25519 damaged!",
  `board ssh-rsa ${key(8).text.split(" ")[1]}`,
  `node?.lab ${key(9).text}`,
].join("\n");

for (const [host, port, found] of [
  ["board", 22, [1, -6]],
  ["BOARD", 22, [1, -6]],
  ["10.0.0.7", 22, [1]],
  ["board.example", 22, [2]],
  ["board", 2222, [3]],
  ["hidden", 22, [4]],
  ["good.lab", 22, [5]],
  ["bad.lab", 22, []],
  ["node1.lab", 22, [5, 9]],
  ["node12.lab", 22, [5]],
  ["other", 22, []],
] as const) {
  test(`a file of known hosts has ${found.length} keys for ${host} at port ${port}`, () => {
    const keys = knownKeys(file, host, port).map(({ blob, revoked }) => (revoked ? -1 : 1) * (blob.at(-1) as number));
    assert.deepEqual(keys, found);
  });
}

test("a line that was written is read again", () => {
  for (const port of [22, 2222]) {
    const line = knownHostsLine("Board", port, "ssh-ed25519", key(1).blob);
    assert.deepEqual(knownKeys(line, "board", port), [{ type: "ssh-ed25519", blob: key(1).blob, revoked: false }]);
  }
});

test("a fingerprint is written as ssh-keygen writes it", () => {
  assert.match(fingerprintOf(key(1).blob), /^SHA256:[A-Za-z0-9+/]{43}$/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { EscapeKeys } from "./escape-keys.ts";

/** What the keys mean, read in these pieces: sent bytes as text, the rest by its name. */
function meaning(...pieces: readonly string[]): string[] {
  const keys = new EscapeKeys();
  return pieces
    .flatMap((piece) => keys.read(Buffer.from(piece, "latin1")))
    .map((event) => (event.kind === "send" ? Buffer.from(event.bytes).toString("latin1") : `<${event.kind}>`));
}

test("Ctrl-A x leaves, Ctrl-A ? asks for help, Ctrl-A Ctrl-A sends one, every other pair is sent as it is", () => {
  assert.deepEqual(
    ["ab\x03", "a\x01xb", "\x01X", "a\x01?b", "\x01\x01x", "\x01q\x01\x02", "x?"].map((typed) => meaning(typed)),
    [["ab\x03"], ["a", "<leave>", "b"], ["<leave>"], ["a", "<help>", "b"], ["\x01x"], ["\x01q\x01\x02"], ["x?"]],
  );
});

test("the escape is found when its keys come one by one", () => {
  assert.deepEqual(meaning("a", "\x01", "x", "\x01", "\x01", "b"), ["a", "<leave>", "\x01", "b"]);
});

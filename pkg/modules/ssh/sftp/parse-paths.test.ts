import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePaths } from "./parse-paths.ts";

for (const [args, options, paths] of [
  [["image.bin"], {}, { source: "image.bin", destination: "image.bin" }],
  [["build/image.bin"], {}, { source: "build/image.bin", destination: "image.bin" }],
  [["a b:c", "/root/d e"], {}, { source: "a b:c", destination: "/root/d e" }],
  [["-f"], { destination: "/etc/motd" }, { source: "-f", destination: "/etc/motd" }],
  [["here.log"], { source: "/var/log/messages" }, { source: "/var/log/messages", destination: "here.log" }],
  [[], { source: "/var/log/messages" }, { source: "/var/log/messages", destination: "messages" }],
  [[], { source: "a", destination: "b" }, { source: "a", destination: "b" }],
] as const) {
  test(`${JSON.stringify(args)} with ${JSON.stringify(options)} says what goes where`, () => {
    assert.deepEqual(parsePaths(args, options), paths);
  });
}

for (const [args, options, message] of [
  [[], {}, "missing argument: the source"],
  [[""], {}, "missing argument: the source"],
  [["a", "b", "c"], {}, "too many arguments: 3"],
  [["a"], { source: "a", destination: "b" }, "too many arguments: 1"],
  [["a", ""], {}, 'the destination "" is not the name of a file'],
  [["a", "/tmp/"], {}, 'the destination "/tmp/" is not the name of a file'],
  [[".."], {}, 'the destination ".." is not the name of a file'],
] as const) {
  test(`${JSON.stringify(args)} with ${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => parsePaths(args, options), { code: "invalid_argument", message });
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileOptions } from "./options.ts";
import { parsePaths } from "./parse-paths.ts";

const parse = (args: readonly string[], options: object = {}) =>
  parsePaths(args, fileOptions.parse({ operation: "upload", ...options }));

const by = (chosenBy: "configuration" | "user", path: string) => ({ by: chosenBy, path });

for (const [args, options, source, destination] of [
  [[], { source: "/a", destination: "../b" }, by("configuration", "/a"), by("configuration", "../b")],
  [["b/./c/../d"], { source: "/a" }, by("configuration", "/a"), by("user", "b/d")],
  [["/a/../b"], { destination: "/c" }, by("user", "/a/../b"), by("configuration", "/c")],
  [["/a/b/firmware.bin"], {}, by("user", "/a/b/firmware.bin"), by("user", "firmware.bin")],
  [["a/b:c/../d"], {}, by("user", "a/b"), by("user", "d")],
  [["a/:c//d/"], {}, by("user", "a"), by("user", "c/d")],
  [["..a:..b"], {}, by("user", "..a"), by("user", "..b")],
  [["--", "-x"], {}, by("user", "-x"), by("user", "-x")],
  [["logs"], { operation: "download", directory: true }, by("user", "logs"), by("user", "logs.tar")],
  [["a/site.tar"], { directory: true }, by("user", "a/site.tar"), by("user", "site")],
] as const) {
  test(`${JSON.stringify(args)} with ${JSON.stringify(options)} is from ${source.path} to ${destination.path}`, () => {
    assert.deepEqual(parse(args, options), { source, destination });
  });
}

const both = { source: "a", destination: "b" };
for (const [args, options, message] of [
  [["c"], both, "no path expected when both source and destination are configured"],
  [[], {}, "missing argument: path required"],
  [["a", "b"], {}, "invalid argument count: expected 1 arg, got 2"],
  [["-x"], {}, "failed to parse arguments: flag provided but not defined: -x"],
  [[""], { source: "a" }, "destination path cannot be empty"],
  [[""], {}, "source path cannot be empty"],
  [["/b"], { source: "a" }, 'absolute paths are not allowed: "/b"'],
  [["../b"], { source: "a" }, `paths with leading '..' are not allowed: "../b"`],
  [["a/../../b"], { source: "a" }, `paths with leading '..' are not allowed: "a/../../b"`],
  [["a:b:c"], {}, "colon syntax requires exactly one colon"],
  [[":b"], {}, "src path cannot be empty in 'src:dest' syntax"],
  [["a:"], {}, "destination path cannot be empty in 'src:dest' syntax"],
  [["/a:b"], {}, 'absolute paths are not allowed: "/a"'],
  [["a:/b"], {}, 'absolute paths are not allowed: "/b"'],
  [["a:../b"], {}, `paths with leading '..' are not allowed: "../b"`],
  [["a:b"], { source: "s" }, 'cannot use colon syntax when source is configured: "s"'],
  [["a:b"], { destination: "d" }, 'cannot use colon syntax when destination is configured: "d"'],
  [["/"], {}, 'the source "/" has no name for the destination'],
  [["a/.."], {}, 'the source "a/.." has no name for the destination'],
] as const) {
  test(`${JSON.stringify(args)} with ${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => parse(args, options), { code: "invalid_argument", message });
  });
}

for (const [options, message] of [
  [{}, "operation must be set in config: must be 'upload' or 'download'"],
  [{ operation: "Upload" }, `invalid operation "Upload": must be 'upload' or 'download'`],
  [
    { operation: "upload", permission: "644" },
    `invalid permission "644": must be octal format starting with '0' (e.g., '0644')`,
  ],
  [{ operation: "upload", root: "/srv", destination: "/etc/passwd" }, '"/etc/passwd" is not below the root "/srv"'],
  [{ operation: "download", root: "/srv", source: "../etc/passwd" }, '"../etc/passwd" is not below the root "/srv"'],
] as const) {
  test(`the options ${JSON.stringify(options)} are refused`, () => {
    assert.deepEqual(
      fileOptions.safeParse(options).error?.issues.map((issue) => issue.message),
      [message],
    );
  });
}

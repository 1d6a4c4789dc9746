import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { httpGetOptions } from "./options.ts";
import { parseWanted } from "./parse-wanted.ts";
import { findSum } from "./sums.ts";
import { versionOf } from "./version.ts";

const [one, two] = ["1".repeat(64), "2".repeat(64)];
const url = "https://server/images/board%20image.img.gz";

const wanted = (args: readonly string[], options: object = {}) => {
  try {
    const { url: address, sum } = parseWanted(args, httpGetOptions.parse({ path: "image", ...options }));
    return [address.href, sum.kind === "given" ? sum.sha256 : sum.list.href];
  } catch (error) {
    return explain(error);
  }
};

test("what the options leave open is an argument", () => {
  assert.deepEqual(
    [
      wanted([url, one]),
      wanted([one], { url }),
      wanted([url], { sha256: one }),
      wanted([], { url, sha256: one }),
      wanted([url], { sha256sums: "SHA256SUMS" }),
      wanted([url], { sha256sums: "https://other/sums" }),
      wanted([url, one], { sha256sums: "SHA256SUMS" }),
    ],
    [
      [url, one],
      [url, one],
      [url, one],
      [url, one],
      [url, "https://server/images/SHA256SUMS"],
      [url, "https://other/sums"],
      [url, one],
    ],
  );
});

test("what is missing, too much or no address is refused with what there is to give", () => {
  assert.deepEqual(
    [
      wanted([]),
      wanted([url]),
      wanted([url, one, "more"]),
      wanted([url, "123"]),
      wanted(["file:///etc/passwd", one]),
      wanted(["https://me:secret@server/image", one]),
      wanted(["--output", one]),
    ],
    [
      "no address was given (use <url> <sha256>)",
      "no SHA-256 was given (use <url> <sha256>)",
      'too many arguments: "more" (use <url> <sha256>)',
      '"123" is no SHA-256 (it has 64 hexadecimal digits)',
      "expected an address of http or https (write it as https://server/path/file)",
      "expected an address without user and password (they are options of their own)",
      "expected an address of http or https (write it as https://server/path/file)",
    ],
  );
});

test("options that contradict each other, or would give a password to any server, are refused", () => {
  const problems = (options: object) =>
    httpGetOptions.safeParse({ path: "image", ...options }).error?.issues.map(({ message }) => message);
  assert.deepEqual(
    [
      problems({ user: "lab", url }),
      problems({ user: "lab", password: "secret" }),
      problems({ headers: { token: "t" } }),
      problems({ url: "https://me:secret@server/" }),
      problems({ url, ca: "ca.pem", fingerprint: one }),
    ],
    [
      ["give both user and password, or neither"],
      [
        "user, password and headers are for the server of the option url: an address that a user gives must not have them",
      ],
      [
        "user, password and headers are for the server of the option url: an address that a user gives must not have them",
      ],
      ["expected an address without user and password"],
      ["fingerprint says the opposite of ca: leave one of them out"],
    ],
  );
});

for (const [what, list] of [
  ["as sha256sum makes them", `${two}  other\n${one}  board image.img.gz\n`],
  ["of binary files", `${one} *board image.img.gz\r\n`],
  ["with a folder", `${one}  ./images/board image.img.gz\n`],
  ["with a tag", `SHA256 (board image.img.gz) = ${one}\nSHA512 (board image.img.gz) = ${two}${two}\n`],
  ["twice", `${one}  a/board image.img.gz\n${one.toUpperCase()}  b/board image.img.gz\n`],
] as const) {
  test(`checksums ${what} are found by the name of the file`, () => {
    assert.equal(findSum(list, new URL(url)), one);
  });
}

test("a file that is not in the list, or in it with two sums, has none", () => {
  assert.throws(() => findSum(`${one}  image.img\nnonsense\n`, new URL(url)), { code: "not_found" });
  assert.throws(() => findSum(`${one}  a/board image.img.gz\n${two}  b/board image.img.gz\n`, new URL(url)), {
    code: "failed_precondition",
  });
});

test("a version is a strong entity tag, or a date that was over when it was told", () => {
  const modified = "Sat, 28 Nov 2026 10:00:00 GMT";
  assert.deepEqual(
    [
      versionOf({ etag: '"a"', "last-modified": modified }),
      versionOf({ etag: 'W/"a"', "last-modified": modified, date: "Sat, 28 Nov 2026 10:00:01 GMT" }),
      versionOf({ etag: 'W/"a"', "last-modified": modified, date: modified }),
      versionOf({ "last-modified": "yesterday", date: modified }),
      versionOf({ "last-modified": modified }),
      versionOf({}),
    ],
    ['"a"', modified, undefined, undefined, undefined, undefined],
  );
});

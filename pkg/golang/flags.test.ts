import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFlags, type Flags, type ParsedFlags, parseFlags } from "./flags.ts";

const flags = {
  s: { kind: "string", value: "address", summary: "where", default: '"here"' },
  v: { kind: "boolean", summary: "more" },
  "no-color": { kind: "boolean", summary: "plain" },
  path: { kind: "list", value: "file", summary: "some files" },
  wait: { kind: "optional", value: "time", summary: "be patient", accepts: (word) => /^\d+s$/.test(word) },
} as const satisfies Flags;

interface Spelling {
  readonly argv: string[];
  readonly values: ParsedFlags<typeof flags>["values"];
  readonly positionals: string[];
  readonly terminated?: true;
}

const spellings: readonly Spelling[] = [
  { argv: [], values: {}, positionals: [] },
  { argv: ["-s", "a"], values: { s: "a" }, positionals: [] },
  { argv: ["--s", "a"], values: { s: "a" }, positionals: [] },
  { argv: ["-s=a=b"], values: { s: "a=b" }, positionals: [] },
  { argv: ["--s="], values: { s: "" }, positionals: [] },
  { argv: ["-s", ""], values: { s: "" }, positionals: [] },
  { argv: ["-s", "-v", "dev"], values: { s: "-v" }, positionals: ["dev"] },
  { argv: ["-s", "007"], values: { s: "007" }, positionals: [] },
  { argv: ["-s", "'quoted'"], values: { s: "'quoted'" }, positionals: [] },
  { argv: ["-s", "a", "-s", "b"], values: { s: "b" }, positionals: [] },
  { argv: ["-v", "-no-color"], values: { v: true, "no-color": true }, positionals: [] },
  { argv: ["-v=false"], values: { v: false }, positionals: [] },
  { argv: ["--v=T", "--no-color=0"], values: { v: true, "no-color": false }, positionals: [] },
  { argv: ["-v", "false"], values: { v: true }, positionals: ["false"] },
  { argv: ["dev", "-v", "--s=x", "--"], values: {}, positionals: ["dev", "-v", "--s=x", "--"] },
  { argv: ["-v", "--", "-s", "x"], values: { v: true }, positionals: ["-s", "x"], terminated: true },
  { argv: ["-", "-v"], values: {}, positionals: ["-", "-v"] },
  { argv: ["", "x"], values: {}, positionals: ["", "x"] },
  { argv: ["-h", "-nonsense"], values: { help: true }, positionals: [] },
  { argv: ["--help"], values: { help: true }, positionals: [] },
  { argv: ["-path", "a", "--path=b", "-path", "-v"], values: { path: ["a", "b", "-v"] }, positionals: [] },
  { argv: ["-wait"], values: { wait: "" }, positionals: [] },
  { argv: ["-wait", "5s", "dev"], values: { wait: "5s" }, positionals: ["dev"] },
  { argv: ["-wait", "dev", "5s"], values: { wait: "" }, positionals: ["dev", "5s"] },
  { argv: ["-wait", "-v"], values: { wait: "", v: true }, positionals: [] },
  { argv: ["-wait", "--", "5s"], values: { wait: "" }, positionals: ["5s"], terminated: true },
  { argv: ["-wait=long", "5s"], values: { wait: "long" }, positionals: ["5s"] },
];

for (const { argv, values, positionals, terminated = false } of spellings) {
  test(`${JSON.stringify(argv)} is read as Go's flag package reads it`, () => {
    assert.deepEqual(parseFlags(argv, flags), { values, positionals, terminated });
  });
}

const mistakes: readonly { argv: string[]; message: string }[] = [
  { argv: ["-x"], message: "flag provided but not defined: -x" },
  { argv: ["--toString"], message: "flag provided but not defined: -toString" },
  { argv: ["-vs"], message: "flag provided but not defined: -vs" },
  { argv: ["-s"], message: "flag needs an argument: -s" },
  { argv: ["-v=maybe"], message: 'invalid boolean value "maybe" for -v: parse error' },
  { argv: ["-v=constructor"], message: 'invalid boolean value "constructor" for -v: parse error' },
  { argv: ["--=a"], message: "bad flag syntax: --=a" },
  { argv: ["---v"], message: "bad flag syntax: ---v" },
];

for (const { argv, message } of mistakes) {
  test(`${JSON.stringify(argv)} is refused with ${message}`, () => {
    assert.throws(() => parseFlags(argv, flags), { name: "DutError", code: "invalid_argument", message });
  });
}

test("flags are described as Go's PrintDefaults does, sorted by name", () => {
  assert.equal(
    describeFlags(flags),
    '  -no-color\n    \tplain\n  -path file\n    \tsome files\n  -s address\n    \twhere (default "here")\n  -v\tmore\n  -wait [time]\n    \tbe patient\n',
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { parseScript } from "./parse-script.ts";

/** A script in one readable value: patterns are shown by their label. */
function readable(args: readonly string[]) {
  const { steps, ...flags } = parseScript(args);
  return {
    ...flags,
    steps: steps.map((step) =>
      step.kind === "expect" ? `expect ${step.label}` : `send ${step.label} ${JSON.stringify(String(step.payload))}`,
    ),
  };
}

const plain = { timeoutMs: undefined, keepEscapes: false, interactive: false };

const accepted: readonly [readonly string[], ReturnType<typeof readable>][] = [
  [[], { ...plain, steps: [] }],
  [["--"], { ...plain, steps: [] }],
  [["-t", "90s"], { ...plain, timeoutMs: 90_000, steps: [] }],
  [["-t=1m30s", "--keep-escapes"], { ...plain, timeoutMs: 90_000, keepEscapes: true, steps: [] }],
  [["-i"], { ...plain, interactive: true, steps: [] }],
  [["-i=false", "-t", "1s"], { ...plain, timeoutMs: 1000, steps: [] }],
  [["-keep-escapes=false", "--t", "0"], { ...plain, steps: [] }],
  [["-t", "-5s"], { ...plain, steps: [] }],
  [["expect", "login:"], { ...plain, steps: ['expect "login:"'] }],
  [["--", "send", "-t"], { ...plain, steps: ['send "-t" "-t\\r"'] }],
  [["send", "root"], { ...plain, steps: ['send "root" "root\\r"'] }],
  [["-eol", "LF", "send", "root"], { ...plain, steps: ['send "root" "root\\n"'] }],
  [["-eol=CrLf", "send", ""], { ...plain, steps: ['send "" "\\r\\n"'] }],
  [["-eol", "none", "send", "a"], { ...plain, steps: ['send "a" "a"'] }],
  [["send-raw", "\\x03"], { ...plain, steps: ['send "\\\\x03" "\\u0003"'] }],
  [["send-raw", "a\\r\\n\\t\\\\ü"], { ...plain, steps: ['send "a\\\\r\\\\n\\\\t\\\\\\\\ü" "a\\r\\n\\t\\\\ü"'] }],
  [["send-secret", "hunter2"], { ...plain, steps: ['send *** "hunter2\\r"'] }],
  [["expect", "ä".repeat(20)], { ...plain, steps: [`expect "${"ä".repeat(20)}"`] }],
  [["expect", "ä".repeat(21)], { ...plain, steps: [`expect "${"ä".repeat(20)}..."`] }],
];

for (const [args, script] of accepted) {
  test(`${JSON.stringify(args)} is a script`, () => {
    assert.deepEqual(readable(args), script);
  });
}

const refused: readonly [readonly string[], string][] = [
  [["-z"], "failed to parse arguments: flag provided but not defined: -z"],
  [["-t"], "failed to parse arguments: flag needs an argument: -t"],
  [["-t", "soon"], 'failed to parse arguments: invalid value "soon" for flag -t: parse error'],
  [["-=x"], "failed to parse arguments: bad flag syntax: -=x"],
  [["---t"], "failed to parse arguments: bad flag syntax: ---t"],
  [["-h"], "failed to parse arguments: flag: help requested"],
  [["-keep-escapes=maybe"], 'failed to parse arguments: invalid boolean value "maybe" for -keep-escapes: parse error'],
  [["-i=x"], 'failed to parse arguments: invalid boolean value "x" for -i: parse error'],
  [["-i", "--", "send", "x"], '-i takes no steps but got "send"'],
  [["-eol", "x"], 'invalid -eol "x": want cr, lf, crlf, or none'],
  [["wait"], 'unknown step verb "wait" (want expect, send, or send-raw)'],
  [["expect", "a", "-t", "5s"], 'unknown step verb "-t" (want expect, send, or send-raw)'],
  [["expect"], '"expect" requires a pattern argument'],
  [["send"], '"send" requires a data argument'],
  [["send-raw"], '"send-raw" requires a data argument'],
  [["send-secret"], '"send-secret" requires a data argument'],
  [["expect", "("], 'invalid regular expression "(": error parsing regexp: missing closing ): `(`'],
  [["expect", "a{1001}"], 'invalid regular expression "a{1001}": error parsing regexp: invalid repeat count: `{1001}`'],
  [["expect", "(.{0,1000}){1}x{999}"], 'regular expression "(.{0,1000}){1}x{999}" is too large'],
  [["expect", "a".repeat(3_000)], `regular expression "${"a".repeat(40)}..." is too large`],
  [["send", "\\q"], 'invalid data "\\\\q": unknown escape "\\\\q"'],
  [["send", "a\\"], 'invalid data "a\\\\": trailing backslash'],
  [["send", "\\x1"], 'invalid data "\\\\x1": \\x requires two hex digits'],
  [
    ["send", "\\xzz"],
    'invalid data "\\\\xzz": invalid \\x escape "zz": strconv.ParseUint: parsing "zz": invalid syntax',
  ],
  [["send-secret", "hunter\\2"], "invalid data of send-secret: a backslash begins no known escape"],
  [["send-secret", "open", "sesame"], "unknown step verb *** (want expect, send, or send-raw)"],
  [Array.from({ length: 2_002 }, () => "send"), "too many steps: at most 1000 are allowed"],
];

for (const [args, message] of refused) {
  test(`${JSON.stringify(args).slice(0, 60)} is refused`, () => {
    assert.throws(
      () => parseScript(args),
      (error) => messageOf(error) === message || assert.fail(messageOf(error)),
    );
  });
}

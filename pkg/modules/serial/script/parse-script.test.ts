import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { parseScript } from "./parse-script.ts";
import type { Step } from "./parse-step.ts";

/** A script in one readable value: what is not as usual, and the steps. */
function readable(args: readonly string[]) {
  const { steps, ...flags } = parseScript(args);
  const unusual = Object.entries(flags).filter(([name, value]) => value !== usual[name]);
  return { ...Object.fromEntries(unusual), steps: steps.map(readableStep) };
}

const usual: Readonly<Record<string, unknown>> = {
  timeoutMs: undefined,
  lineEnding: "\r",
  keepEscapes: false,
  interactive: false,
  history: undefined,
  noFollow: false,
  take: false,
  share: false,
};

function readableStep(step: Step): string {
  switch (step.kind) {
    case "expect":
      return `expect ${step.label}${step.timeoutMs === undefined ? "" : ` within ${step.timeoutMs} ms`}`;
    case "fail-on":
      return `fail-on ${step.label}`;
    case "send": {
      const data = step.data.map((part) => ("name" in part ? `<${part.name}>` : String(Buffer.from(part)))).join("");
      return `send ${step.isSecret ? "***" : ""}${JSON.stringify(`${data}${step.lineEnding}`)}`;
    }
    case "break":
      return `break ${step.milliseconds} ms`;
    case "line":
      return `${step.line} ${step.on}`;
  }
}

const accepted: readonly [readonly string[], Record<string, unknown>][] = [
  [[], { steps: [] }],
  [["--"], { steps: [] }],
  [["-t", "90s"], { timeoutMs: 90_000, steps: [] }],
  [["-t=1m30s", "--keep-escapes"], { timeoutMs: 90_000, keepEscapes: true, steps: [] }],
  [["-i"], { interactive: true, steps: [] }],
  [["-i=false", "-t", "1s"], { timeoutMs: 1000, steps: [] }],
  [["-keep-escapes=false", "--t", "0"], { steps: [] }],
  [["-t", "-5s"], { steps: [] }],
  [["expect", "login:"], { steps: ['expect "login:"'] }],
  [["--", "send", "-t"], { steps: ['send "-t\\r"'] }],
  [["send", "root"], { steps: ['send "root\\r"'] }],
  [["-eol", "LF", "send", "root"], { lineEnding: "\n", steps: ['send "root\\n"'] }],
  [["-eol=CrLf", "send", ""], { lineEnding: "\r\n", steps: ['send "\\r\\n"'] }],
  [["-eol", "none", "send", "a"], { lineEnding: "", steps: ['send "a"'] }],
  [["send-raw", "\\x03"], { steps: ['send "\\u0003"'] }],
  [["send-raw", "a\\r\\n\\t\\\\ü"], { steps: ['send "a\\r\\n\\t\\\\ü"'] }],
  [["send-secret", "hunter2"], { steps: ['send ***"hunter2\\r"'] }],
  [["-history", "200"], { history: 200, steps: [] }],
  [["-history=5", "-no-follow"], { history: 5, noFollow: true, steps: [] }],
  [["-take", "-share", "-i"], { take: true, share: true, interactive: true, steps: [] }],
  [["expect", "-t", "5s", "login:"], { steps: ['expect "login:" within 5000 ms'] }],
  [["expect", "-t", "0", "login:"], { steps: ['expect "login:"'] }],
  [["expect", "-t", "send", "5s"], { steps: ['expect "-t"', 'send "5s\\r"'] }],
  [
    ["expect", "login:", "or", "# ", "or", "or", "send", "x"],
    { steps: ['expect "login:" or "# " or "or"', 'send "x\\r"'] },
  ],
  [["fail-on", "panic", "expect", "#"], { steps: ['fail-on "panic"', 'expect "#"'] }],
  [
    ["break", "dtr", "off", "break", "100ms", "rts", "on"],
    { steps: ["break 250 ms", "dtr false", "break 100 ms", "rts true"] },
  ],
  [
    ["expect", "(?P<ip>[0-9.]+)", "send", "ping %{ip} %{http_code}"],
    { steps: ['expect "(?P<ip>[0-9.]+)"', 'send "ping <ip> %{http_code}\\r"'] },
  ],
  [["send", "%{ip}", "expect", "(?P<ip>.)"], { steps: ['send "%{ip}\\r"', 'expect "(?P<ip>.)"'] }],
  [["expect", "ä".repeat(20)], { steps: [`expect "${"ä".repeat(20)}"`] }],
  [["expect", "ä".repeat(21)], { steps: [`expect "${"ä".repeat(20)}..."`] }],
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
  [["-history", "many"], 'failed to parse arguments: invalid value "many" for flag -history: parse error'],
  [["-no-follow"], "-no-follow goes with -history alone: it shows recorded lines and ends"],
  [
    ["-no-follow", "-history", "1", "send", "x"],
    "-no-follow goes with -history alone: it shows recorded lines and ends",
  ],
  [["expect", "a", "or"], '"or" requires a pattern argument'],
  [["fail-on"], '"fail-on" requires a pattern argument'],
  [["break", "1m"], "a break of 1m0s is longer than 3s"],
  [["dtr"], '"dtr" requires a level argument'],
  [["rts", "up"], 'rts can be on or off, not "up"'],
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

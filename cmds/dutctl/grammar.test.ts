import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInvocation } from "./grammar.ts";
import type { Options } from "./options.ts";

const options: Options = {
  servers: [{ kind: "tcp", host: "localhost", port: 1024 }],
  tls: undefined,
  format: "text",
  verbose: false,
  colour: true,
  identity: undefined,
  log: "warn",
  protocol: undefined,
  timeoutMs: undefined,
  waitMs: 0,
  graceMs: 0,
  raw: false,
  force: false,
  allowRead: [],
  long: false,
  local: undefined,
};

const lines: readonly [argv: string[], invocation: ReturnType<typeof parseInvocation>][] = [
  [[], { name: "list", options }],
  [["list"], { name: "list", options }],
  [["list", "x"], { name: "invalid", reason: "list takes no arguments", hint: undefined, options }],
  [["version"], { name: "version", options }],
  [["version", "-x", "y"], { name: "version", options }],
  [["-h"], { name: "usage" }],
  [["dev1"], { name: "commands", device: "dev1", options }],
  [["lock"], { name: "commands", device: "lock", options }],
  [["help"], { name: "help", topic: undefined, options }],
  [["dev1", "power", "help"], { name: "details", device: "dev1", command: "power", options }],
  [["dev1", "power", "help", "me"], { name: "invalid", reason: "help takes no arguments", hint: undefined, options }],
  [["dev1", "power"], { name: "run", device: "dev1", command: "power", args: [], options }],
  [
    ["dev1", "shell", "-v", "", "--", "-f=json", "help"],
    { name: "run", device: "dev1", command: "shell", args: ["-v", "", "--", "-f=json", "help"], options },
  ],
  [["dev1", "lock"], { name: "lock", device: "dev1", duration: undefined, options }],
  [["dev1", "lock", "25m"], { name: "lock", device: "dev1", duration: "25m", options }],
  [
    ["dev1", "lock", "25m", "x"],
    { name: "invalid", reason: "lock takes at most a duration", hint: undefined, options },
  ],
  [["dev1", "unlock"], { name: "unlock", device: "dev1", force: false, keepRun: false, options }],
  [["dev1", "unlock", "force"], { name: "unlock", device: "dev1", force: true, keepRun: false, options }],
  [
    ["dev1", "unlock", "--force"],
    {
      name: "invalid",
      reason: "unlock takes nothing, the word force, or the words force keep",
      hint: undefined,
      options,
    },
  ],
  [["dev1", "unlock", "force", "keep"], { name: "unlock", device: "dev1", force: true, keepRun: true, options }],
  [["--"], { name: "list", options }],
  [["--", "list"], { name: "commands", device: "list", options }],
  [["--", "version"], { name: "commands", device: "version", options }],
  [
    ["-v", "--", "help", "lock"],
    { name: "lock", device: "help", duration: undefined, options: { ...options, verbose: true } },
  ],
  [
    ["-s", "[::1]:9", "--f=csv", "-v", "-no-color", "-u", "bob@h", "-log", "none", "list"],
    {
      name: "list",
      options: {
        ...options,
        servers: [{ kind: "tcp", host: "::1", port: 9 }],
        format: "oneline",
        verbose: true,
        colour: false,
        identity: "bob@h",
        log: "none",
      },
    },
  ],
  [
    ["-s", "bench", "-u", "", "-f="],
    { name: "list", options: { ...options, servers: [{ kind: "tcp", host: "bench", port: 1024 }], identity: "" } },
  ],
  [
    ["-s", "unix:/run/dut.sock"],
    { name: "list", options: { ...options, servers: [{ kind: "unix", path: "/run/dut.sock" }] } },
  ],
  [["describe", "dev1"], { name: "describe", device: "dev1", options }],
  [
    ["describe"],
    {
      name: "invalid",
      reason: "describe takes the name of a device",
      hint: "for a device of that name, write: dutctl -- describe",
      options,
    },
  ],
  [["--", "describe"], { name: "commands", device: "describe", options }],
  [["watch"], { name: "watch", device: undefined, options }],
  [["watch", "dev1"], { name: "watch", device: "dev1", options }],
  [["runs"], { name: "runs", device: undefined, options }],
  [["runs", "dev1"], { name: "runs", device: "dev1", options }],
  [["attach", "dev1"], { name: "attach", device: "dev1", runId: undefined, options }],
  [["attach", "dev1", "7b-1"], { name: "attach", device: "dev1", runId: "7b-1", options }],
  [["help", "exit-codes"], { name: "help", topic: "exit-codes", options }],
  [["completion", "zsh"], { name: "completion", shell: "zsh", options }],
  [["__complete", "-s", "x", ""], { name: "complete", words: ["-s", "x", ""], options }],
  [["config"], { name: "config", request: { verb: "list" }, options }],
  [["config", "show"], { name: "config", request: { verb: "show", context: undefined }, options }],
  [["config", "use", "lab"], { name: "config", request: { verb: "use", context: "lab" }, options }],
  [["config", "remove", "lab"], { name: "config", request: { verb: "remove", context: "lab" }, options }],
  [
    ["config", "set", "lab", "server=lab:1", "user="],
    {
      name: "config",
      request: {
        verb: "set",
        context: "lab",
        values: [
          ["server", "lab:1"],
          ["user", ""],
        ],
      },
      options,
    },
  ],
  [
    ["config", "set", "grace=1m"],
    { name: "config", request: { verb: "set", context: undefined, values: [["grace", "1m"]] }, options },
  ],
  [["-wait", "5m", "dev1"], { name: "commands", device: "dev1", options: { ...options, waitMs: 300_000 } }],
  [
    ["-wait", "dev1", "5m"],
    {
      name: "run",
      device: "dev1",
      command: "5m",
      args: [],
      options: { ...options, waitMs: Number.POSITIVE_INFINITY },
    },
  ],
  [
    ["-wait", "--", "5m"],
    { name: "commands", device: "5m", options: { ...options, waitMs: Number.POSITIVE_INFINITY } },
  ],
  [["-wait=0"], { name: "list", options }],
  [["-timeout", "0s"], { name: "list", options }],
  [
    [
      ...["-protocol", "lab", "-timeout", "90s", "-grace=1m", "-raw", "-force", "-l", "-local", "bench.yaml"],
      ...["-allow-read", "a", "-allow-read=b", "-f", "jsonl", "-context", "lab"],
    ],
    {
      name: "list",
      options: {
        ...options,
        protocol: "lab",
        timeoutMs: 90_000,
        graceMs: 60_000,
        raw: true,
        force: true,
        long: true,
        local: "bench.yaml",
        allowRead: ["a", "b"],
        format: "jsonl",
      },
    },
  ],
];

for (const [argv, invocation] of lines) {
  test(`dutctl ${argv.map((word) => word || '""').join(" ")} means ${invocation.name}`, () => {
    assert.deepEqual(parseInvocation(argv), invocation);
  });
}

const mistakes: readonly [argv: string[], message: string][] = [
  [["-log", "x"], 'invalid value "x" for flag -log: must be debug, warn, or none'],
  [["-f", "xml"], 'invalid value "xml" for flag -f: must be text, json, jsonl, yaml or oneline'],
  [["-f", "toString"], 'invalid value "toString" for flag -f: must be text, json, jsonl, yaml or oneline'],
  [["-s", "host:99999"], 'invalid value "host:99999" for flag -s: a port is at most 65535'],
  [["-s", "http://host"], 'invalid value "http://host" for flag -s: write host:port, [IPv6]:port or unix:/path'],
  [["-u", "é".repeat(129)], "invalid value of 258 bytes for flag -u: an identity has at most 256"],
  [["-u", "a\nb"], 'invalid value "a\\nb" for flag -u: must be one line without control characters'],
  [["-protocol", "v2"], 'invalid value "v2" for flag -protocol: must be v1 or lab'],
  [["-timeout", "5"], 'invalid value "5" for flag -timeout: must be a duration such as 90s, 5m or 1h30m'],
  [["-grace", "-1s"], 'invalid value "-1s" for flag -grace: must be a duration such as 90s, 5m or 1h30m'],
  [["-wait=soon"], 'invalid value "soon" for flag -wait: must be a duration such as 90s, 5m or 1h30m'],
  [
    ["-timeout", "597h"],
    'invalid value "597h" for flag -timeout: must be a duration such as 90s, 5m or 1h30m, at most 596h',
  ],
  [["-allow-read="], 'invalid value "" for flag -allow-read: must be the path of a file'],
  [["-local", "b.yaml", "-s", "h"], "flags -local and -s exclude each other"],
];

for (const [argv, message] of mistakes) {
  test(`dutctl ${JSON.stringify(argv)} is refused with ${message}`, () => {
    assert.throws(() => parseInvocation(argv), { code: "invalid_argument", message });
  });
}

test("a flag goes before a setting, and a wrong setting is named by its place", () => {
  const settings = {
    server: { value: "lab:7", place: "DUTCTL_SERVER" },
    format: { value: "xml", place: "DUTCTL_FORMAT" },
  };
  assert.deepEqual(parseInvocation(["-f", "json"], settings), {
    name: "list",
    options: { ...options, servers: [{ kind: "tcp", host: "lab", port: 7 }], format: "json" },
  });
  assert.throws(() => parseInvocation([], settings), {
    message: 'invalid value "xml" for DUTCTL_FORMAT: must be text, json, jsonl, yaml or oneline',
  });
});

const nonsense: readonly [argv: string[], reason: string][] = [
  [["", "x"], "the name of the device is empty"],
  [[""], "the name of the device is empty"],
  [["watch", ""], "the name of the device is empty"],
  [["dev1", ""], "the name of the command is empty"],
  [["dev1", "", "help"], "the name of the command is empty"],
  [["attach", "dev1", ""], "the id of the run is empty"],
  [["help", "a", "b"], "help takes at most one topic"],
  [["watch", "a", "b"], "watch takes at most the name of a device"],
  [["runs", "a", "b"], "runs takes at most the name of a device"],
  [["attach"], "attach takes the name of a device and at most the id of a run"],
  [["completion", "csh"], "completion takes the name of a shell: bash, zsh or fish"],
  [["config", "edit"], 'config knows no "edit": it is list, show, use, set or remove'],
  [["config", "use"], "config use takes the name of a context"],
  [
    ["config", "set", "lab"],
    "config set takes KEY=VALUE once or more, behind the name of a context if it is not the current one",
  ],
  [
    ["config", "set", "colour=red"],
    '"colour=red" is no KEY=VALUE: the keys are server, tls, tls-ca, tls-cert, tls-key, authority, user, format, log, protocol, timeout, wait, grace',
  ],
];

for (const [argv, reason] of nonsense) {
  test(`dutctl ${JSON.stringify(argv)} means nothing: ${reason}`, () => {
    const invocation = parseInvocation(argv);
    assert.deepEqual([invocation.name, "reason" in invocation && invocation.reason], ["invalid", reason]);
  });
}

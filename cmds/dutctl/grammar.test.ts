import assert from "node:assert/strict";
import { test } from "node:test";
import { type Invocation, type Options, parseInvocation } from "./grammar.ts";

const options: Options = {
  server: { kind: "tcp", host: "localhost", port: 1024 },
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

const lines: readonly [argv: string[], invocation: Invocation][] = [
  [[], { name: "list", options }],
  [["list"], { name: "list", options }],
  [["list", "x"], { name: "invalid", reason: "list takes no arguments", options }],
  [["version"], { name: "version", options }],
  [["version", "-x", "y"], { name: "version", options }],
  [["-h"], { name: "help" }],
  [["dev1"], { name: "commands", device: "dev1", options }],
  [["lock"], { name: "commands", device: "lock", options }],
  [["help"], { name: "commands", device: "help", options }],
  [["dev1", "power", "help"], { name: "details", device: "dev1", command: "power", options }],
  [["dev1", "power", "help", "me"], { name: "invalid", reason: "help takes no arguments", options }],
  [["dev1", "power"], { name: "run", device: "dev1", command: "power", args: [], options }],
  [
    ["dev1", "shell", "-v", "", "--", "-f=json", "help"],
    { name: "run", device: "dev1", command: "shell", args: ["-v", "", "--", "-f=json", "help"], options },
  ],
  [["dev1", "lock"], { name: "lock", device: "dev1", duration: undefined, options }],
  [["dev1", "lock", "25m"], { name: "lock", device: "dev1", duration: "25m", options }],
  [["dev1", "lock", "25m", "x"], { name: "invalid", reason: "lock takes at most a duration", options }],
  [["dev1", "unlock"], { name: "unlock", device: "dev1", force: false, options }],
  [["dev1", "unlock", "force"], { name: "unlock", device: "dev1", force: true, options }],
  [["dev1", "unlock", "--force"], { name: "invalid", reason: "unlock takes nothing, or the word force", options }],
  [["--", "list"], { name: "list", options }],
  [
    ["-s", "[::1]:9", "--f=csv", "-v", "-no-color", "-u", "bob@h", "-log", "none", "list"],
    {
      name: "list",
      options: {
        ...options,
        server: { kind: "tcp", host: "::1", port: 9 },
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
    { name: "list", options: { ...options, server: { kind: "tcp", host: "bench", port: 1024 }, identity: "" } },
  ],
  [
    ["-s", "unix:/run/dut.sock"],
    { name: "list", options: { ...options, server: { kind: "unix", path: "/run/dut.sock" } } },
  ],
];

for (const [argv, invocation] of lines) {
  test(`dutctl ${argv.map((word) => word || '""').join(" ")} means ${invocation.name}`, () => {
    assert.deepEqual(parseInvocation(argv), invocation);
  });
}

const mistakes: readonly [argv: string[], message: string][] = [
  [["-log", "x"], 'invalid value "x" for flag -log: must be debug, warn, or none'],
  [["-f", "xml"], 'invalid value "xml" for flag -f: must be text, json, yaml or oneline'],
  [["-f", "toString"], 'invalid value "toString" for flag -f: must be text, json, yaml or oneline'],
  [["-s", "host:99999"], 'invalid value "host:99999" for flag -s: a port is at most 65535'],
  [["-s", "http://host"], 'invalid value "http://host" for flag -s: write host:port, [IPv6]:port or unix:/path'],
  [["-u", "a\nb"], 'invalid value "a\\nb" for flag -u: must be one line without control characters'],
];

for (const [argv, message] of mistakes) {
  test(`dutctl ${JSON.stringify(argv)} is refused with ${message}`, () => {
    assert.throws(() => parseInvocation(argv), { code: "invalid_argument", message });
  });
}

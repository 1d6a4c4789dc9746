import assert from "node:assert/strict";
import { test } from "node:test";
import {
  commands,
  devices,
  failed,
  locked,
  metadata,
  printed,
  render,
  sent,
  testGolden,
  unlocked,
} from "../test/rendered.ts";
import type { Content } from "./content.ts";

testGolden("text", [
  [
    "text shows devices with their locks",
    [devices],
    '- dev 2\n- dev1 [locked by "alice@h" for 25m]\n- dev3 [in use by "b\\"o"]\n',
  ],
  ["text shows commands", [commands], "- chain\n- down\n- ft\n"],
  ["text shows details with a newline", [{ type: "command-detail", data: "what it does" }], "what it does\n"],
  ["text shows a lock", [locked, unlocked], '✓ Device "dev1" locked by "alice@h" for 25m\n✓ Device "dev1" unlocked\n'],
  [
    "text shows transfers",
    [sent, { type: "file-transfer", data: { direction: "received", path: "out.txt", bytes: 1536 } }],
    '↑ sent "in.txt" (6 B)\n↓ received "out.txt" (1.5 KiB)\n',
  ],
  ["text shows an error in one line", [failed], "✗ cannot reach dutagent at h:1 (refused)\n"],
  [
    "text shows a hint below the error",
    [{ ...failed, hint: 'did you mean "x"?' } as Content],
    '✗ cannot reach dutagent at h:1 (refused)\n  did you mean "x"?\n',
  ],
  [
    "verbose text announces a run once per stream",
    [
      {
        ...printed,
        metadata: { server: "127.0.0.1:1024", msg: "Run Response", device: "dev1", command: "status", args: "a b" },
      },
      {
        ...printed,
        metadata: { server: "127.0.0.1:1024", msg: "Run Response", device: "dev1", command: "status", args: "a b" },
      },
    ],
    `# connected to 127.0.0.1:1024 (Run Response) device "dev1" executing 'status a b'\nHello from dummy status module\nHello from dummy status module\n`,
    true,
  ],
  [
    "verbose text shows other metadata line by line",
    [
      {
        type: "command-detail",
        data: "help",
        metadata: {
          server: "127.0.0.1:1024",
          rpc: "Details Response",
          device: "dev1",
          command: "chain",
          keyword: "help",
        },
      },
    ],
    `# connected to 127.0.0.1:1024 device "dev1" executing 'chain'\n# keyword: help\n# rpc: Details Response\nhelp\n`,
    true,
  ],
]);

test("text passes module output on byte by byte", async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const { textRenderer } = await import("./text.ts");
  const plain = { colour: false, isTerminal: true };
  const renderer = textRenderer({ verbose: false, stdout: plain, stderr: plain, now: () => new Date(0) });
  assert.deepEqual(renderer({ type: "module-output", data: bytes }), [bytes]);
});

test("verbose text announces again when the other stream is written to", async () => {
  const contents: Content[] = [
    { ...printed, metadata },
    { ...printed, metadata, isError: true },
    { ...printed, metadata, isError: true },
    { ...printed, metadata },
  ];
  const head = "# connected to 127.0.0.1:21024 (List Response)\n";
  const line = "Hello from dummy status module\n";
  assert.equal(await render("text", contents, { verbose: true }), head + line + head + line + line + head + line);
});

test("colours follow the stream that is written to", async () => {
  const text = await render("text", [devices, sent, locked, failed], {
    verbose: true,
    stdout: { colour: true, isTerminal: true },
    stderr: { colour: false, isTerminal: false },
  });
  assert.equal(
    text,
    '\x1b[90m# connected to 127.0.0.1:21024 (List Response)\x1b[0m\n- dev 2\n- dev1 \x1b[90m[locked by "alice@h" for 25m] until 10:52\x1b[0m\n' +
      '- dev3 \x1b[90m[in use by "b\\"o"]\x1b[0m\n\x1b[36m↑ sent "in.txt" (6 B)\x1b[0m\n' +
      '\x1b[32m✓ Device "dev1" locked by "alice@h" for 25m\x1b[0m\n✗ cannot reach dutagent at h:1 (refused)\n',
  );
});

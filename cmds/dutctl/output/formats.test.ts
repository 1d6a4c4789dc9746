import assert from "node:assert/strict";
import { before, test } from "node:test";
import { parse } from "yaml";
import type { Format } from "../grammar.ts";
import type { Outlet } from "../world.ts";
import type { Content, RenderOptions } from "./content.ts";
import { openOutput } from "./output.ts";

/** The golden texts carry a time of Greenwich. */
before(() => {
  process.env.TZ = "UTC";
});

const metadata = { server: "127.0.0.1:21024", msg: "List Response" };
const lock = { owner: "alice@h", expiresAt: 1795171943 };

async function render(
  format: Format,
  contents: readonly Content[],
  options: Partial<RenderOptions> = {},
): Promise<string> {
  const written: Buffer[] = [];
  const outlet: Outlet = {
    isTerminal: false,
    async write(data) {
      written.push(Buffer.from(data));
    },
  };
  const plain = { colour: false, isTerminal: false };
  const now = () => new Date("2026-11-20T10:27:23Z");
  const out = await openOutput(
    format,
    { stdout: outlet, stderr: outlet },
    { verbose: false, stdout: plain, stderr: plain, now, ...options },
  );
  for (const content of contents) {
    await out.write(content);
  }
  return Buffer.concat(written).toString();
}

const devices: Content = {
  type: "device-list",
  data: [
    { name: "dev 2", lock: undefined },
    { name: "dev1", lock },
    { name: "dev3", lock: { owner: 'b"o', expiresAt: 0 } },
  ],
  metadata,
};
const commands: Content = {
  type: "command-list",
  data: ["chain", "down", "ft"],
  metadata: { ...metadata, msg: "Commands Response", device: "dev1" },
};
const locked: Content = { type: "lock-result", data: { name: "dev1", lock } };
const unlocked: Content = { type: "lock-result", data: { name: "dev1", lock: undefined } };
const sent: Content = { type: "file-transfer", data: { direction: "sent", path: "in.txt", bytes: 6 } };
const printed: Content = { type: "module-output", data: Buffer.from("Hello from dummy status module\n") };
const binary: Content = { type: "module-output", data: Buffer.from([0xff, 0x00, 0x3c, 0x26, 0x3e]) };
const failed: Content = { type: "general", isError: true, data: "cannot reach dutagent at h:1 (refused)\n" };

const golden: readonly [title: string, format: Format, contents: Content[], text: string, verbose?: true][] = [
  [
    "text shows devices with their locks",
    "text",
    [devices],
    '- dev 2\n- dev1 [locked by "alice@h" for 25m]\n- dev3 [in use by "b\\"o"]\n',
  ],
  ["text shows commands", "text", [commands], "- chain\n- down\n- ft\n"],
  ["text shows details with a newline", "text", [{ type: "command-detail", data: "what it does" }], "what it does\n"],
  [
    "text shows a lock",
    "text",
    [locked, unlocked],
    '✓ Device "dev1" locked by "alice@h" for 25m\n✓ Device "dev1" unlocked\n',
  ],
  [
    "text shows transfers",
    "text",
    [sent, { type: "file-transfer", data: { direction: "received", path: "out.txt", bytes: 1536 } }],
    '↑ sent "in.txt" (6 B)\n↓ received "out.txt" (1.5 KiB)\n',
  ],
  ["text shows an error in one line", "text", [failed], "✗ cannot reach dutagent at h:1 (refused)\n"],
  [
    "text shows a hint below the error",
    "text",
    [{ ...failed, hint: 'did you mean "x"?' } as Content],
    '✗ cannot reach dutagent at h:1 (refused)\n  did you mean "x"?\n',
  ],
  [
    "verbose text announces a run once per stream",
    "text",
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
    "text",
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
  [
    "json shows devices with metadata",
    "json",
    [{ ...devices, data: [{ name: "dev1", lock }] } as Content],
    `{
  "contentType": "device-list",
  "data": [
    {
      "Name": "dev1",
      "Locked": true,
      "Owner": "alice@h",
      "ExpiresAt": 1795171943
    }
  ],
  "metadata": {
    "msg": "List Response",
    "server": "127.0.0.1:21024"
  },
  "timestamp": "2026-11-20T10:27:23Z"
}
`,
    true,
  ],
  [
    "json shows an empty list as a list",
    "json",
    [{ type: "command-list", data: [] }],
    `{\n  "contentType": "command-list",\n  "data": [],\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
  [
    "json shows an unlocked device without owner",
    "json",
    [unlocked],
    `{
  "contentType": "lock-result",
  "data": {
    "Name": "dev1",
    "Locked": false,
    "Owner": "",
    "ExpiresAt": 0
  },
  "timestamp": "2026-11-20T10:27:23Z"
}
`,
  ],
  [
    "json escapes bytes as Go does",
    "json",
    [binary],
    `{\n  "contentType": "module-output",\n  "data": "\\ufffd\\u0000\\u003c\\u0026\\u003e",\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
  [
    "json makes one mark of every byte that is no UTF-8",
    "json",
    [{ type: "module-output", data: Buffer.from([0xe2, 0x82, 0x41, 0xc3, 0xa4, 0xf0, 0x9f]) }],
    `{\n  "contentType": "module-output",\n  "data": "\\ufffd\\ufffdAä\\ufffd\\ufffd",\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
  [
    "json marks an error",
    "json",
    [failed],
    `{\n  "contentType": "general",\n  "data": "cannot reach dutagent at h:1 (refused)\\n",\n  "error": true,\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
  [
    "yaml shows devices with metadata",
    "yaml",
    [
      {
        ...devices,
        data: [
          { name: "dev1", lock },
          { name: "2", lock: undefined },
        ],
      } as Content,
    ],
    `---
contentType: device-list
data:
    - name: dev1
      locked: true
      owner: alice@h
      expiresat: 1795171943
    - name: "2"
      locked: false
      owner: ""
      expiresat: 0
metadata:
    msg: List Response
    server: 127.0.0.1:21024
timestamp: "2026-11-20T10:27:23Z"

`,
    true,
  ],
  [
    "yaml shows a transfer and an error",
    "yaml",
    [sent, { ...failed, data: "no: way" } as Content],
    `---
contentType: file-transfer
data:
    direction: sent
    path: in.txt
    bytes: 6
timestamp: "2026-11-20T10:27:23Z"

---
contentType: general
data: 'no: way'
error: true
timestamp: "2026-11-20T10:27:23Z"

`,
  ],
  [
    "yaml shows lines as a block, lists indented and bytes as binary",
    "yaml",
    [printed, commands, { type: "command-list", data: [] }, binary],
    `---
contentType: module-output
data: |
    Hello from dummy status module
timestamp: "2026-11-20T10:27:23Z"

---
contentType: command-list
data:
    - chain
    - down
    - ft
timestamp: "2026-11-20T10:27:23Z"

---
contentType: command-list
data: []
timestamp: "2026-11-20T10:27:23Z"

---
contentType: module-output
data: !!binary /wA8Jj4=
timestamp: "2026-11-20T10:27:23Z"

`,
  ],
  [
    "oneline shows devices, locks and transfers",
    "oneline",
    [devices, locked, unlocked, sent],
    `2026-11-20T10:27:23Z,device-list,INFO,"dev 2|dev1=locked:alice@h|dev3=in-use:b""o"
2026-11-20T10:27:23Z,lock-result,INFO,dev1=locked:alice@h
2026-11-20T10:27:23Z,lock-result,INFO,dev1
2026-11-20T10:27:23Z,file-transfer,INFO,"sent 6 in.txt"
`,
  ],
  [
    "oneline shows metadata sorted and quoted",
    "oneline",
    [commands],
    `2026-11-20T10:27:23Z,command-list,INFO,device=dev1,msg="Commands Response",server=127.0.0.1:21024,chain|down|ft\n`,
    true,
  ],
  [
    "oneline leaves newlines of module output as they are",
    "oneline",
    [printed, failed],
    `2026-11-20T10:27:23Z,module-output,INFO,"Hello from dummy status module\n"\n2026-11-20T10:27:23Z,general,ERROR,"cannot reach dutagent at h:1 (refused)\n"\n`,
  ],
];

for (const [title, format, contents, text, verbose] of golden) {
  test(title, async () => {
    assert.equal(await render(format, contents, { verbose: verbose === true }), text);
  });
}

test("text passes module output on byte by byte", async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const { textRenderer } = await import("./text.ts");
  const plain = { colour: false, isTerminal: true };
  const renderer = textRenderer({ verbose: false, stdout: plain, stderr: plain, now: () => new Date(0) });
  assert.deepEqual(renderer({ type: "module-output", data: bytes }), bytes);
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
    '\x1b[90m# connected to 127.0.0.1:21024 (List Response)\x1b[0m\n- dev 2\n- dev1 \x1b[90m[locked by "alice@h" for 25m]\x1b[0m\n' +
      '- dev3 \x1b[90m[in use by "b\\"o"]\x1b[0m\n\x1b[36m↑ sent "in.txt" (6 B)\x1b[0m\n' +
      '\x1b[32m✓ Device "dev1" locked by "alice@h" for 25m\x1b[0m\n✗ cannot reach dutagent at h:1 (refused)\n',
  );
});

const hostile = "a\x1b]52;c;x\x07\x9b2J\u202eb\u200bc\nd";
const onTerminal = { colour: false, isTerminal: true };
const shown: readonly [format: Format, text: string][] = [
  ["text", "- a\\x1b]52;c;x\\x07\\u009b2J\\u202eb\\u200bc\\nd\n"],
  ["oneline", "2026-11-20T10:27:23Z,command-list,INFO,a\\x1b]52;c;x\\x07\\u009b2J\\u202eb\\u200bc\\nd\n"],
  [
    "json",
    '{\n  "contentType": "command-list",\n  "data": [\n    "a\\u001b]52;c;x\\u0007\\u009b2J\\u202eb\\u200bc\\nd"\n  ],\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n',
  ],
  [
    "yaml",
    '---\ncontentType: command-list\ndata:\n    - "a\\e]52;c;x\\a\\x9B2J\\u202Eb\\u200Bc\\nd"\ntimestamp: "2026-11-20T10:27:23Z"\n\n',
  ],
];

for (const [format, text] of shown) {
  test(`${format} shows the names of a hostile peer escaped on a terminal`, async () => {
    assert.equal(await render(format, [{ type: "command-list", data: [hostile] }], { stdout: onTerminal }), text);
  });
}

test("names go into a pipe unchanged", async () => {
  assert.equal(await render("text", [{ type: "command-list", data: [hostile] }]), `- ${hostile}\n`);
});

test("json and yaml say the same whatever the text", async () => {
  const texts = [
    "", "plain", "with blank", " leading", "trailing ", "a: b", "a:b", "a #b", "#a", "- a", "-a", "?", "? x", "a'b", "'a", '"a"', "[x", "{x", "*a", "&a", "!a", "%a", "@a", "`a",
    "null", "~", "true", "Yes", "n", "off", "1", "0x1f", "0755", "1e3", "1.5", ".5", ".inf", "-.INF", ".nan", "12:30", "1_000", "2026-11-20", "2026-11-20T10:27:23Z", "=", "<<",
    "---", "--- a", "...", "tab\there", "\ttab first", "nul\0", "bell\x07", "del\x7f", "\x85", "ä ö ü", "😀", "\ufeff", "\u2028", "back\\slash",
    "\n", "a\n", "a\nb", "a\n\n", "\na", " a\nb", "a\n b\n", "a \nb\n", "a\r\nb\r\n", "\ta\n", "\n\n", "a\n\nb", "#a\n", "a: b\n- c\n", "\x1b[31mred\x1b[0m\n",
  ]; // biome-ignore format: one look
  for (const text of texts) {
    const content: Content = { type: "command-detail", data: text };
    const yaml = parse(await render("yaml", [content]));
    assert.deepEqual(yaml, JSON.parse(await render("json", [content])));
    assert.equal(yaml.data, text);
  }
});

test("yaml breaks long binary into lines of seventy", async () => {
  const bytes = Buffer.alloc(100, 0xfe);
  const yaml = await render("yaml", [{ type: "module-output", data: bytes }]);
  assert.deepEqual(parse(yaml).data, bytes);
  assert.deepEqual(
    yaml.split("\n").map((line) => line.length),
    [3, 26, 16, 74, 70, 33, 0, 0],
  );
});

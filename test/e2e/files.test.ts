import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";

const mebibyte = 1024 * 1024;
const ending = Buffer.from("\n\nprocessed by dummy.FT module\n");

const board = {
  cmds: { sh: shellCommand, transfer: { uses: [{ module: "dummy-ft", passthrough: true }] } },
};

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

async function behindServer(lab: Lab) {
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  return { server, agent, dutctl: (...args: string[]) => lab.dutctl(["-s", server.address, "board", ...args]) };
}

/** What is left of stderr without the lines that tell how far a file is, which there are when it takes a while. */
function besidesProgress(stderr: string): string {
  return stderr.replaceAll(/^[↑↓] "(?:image|back)": [\d.]+ [KM]?i?B.*\n/gm, "");
}

for (const [protocol, mebibytes] of [
  ["v1", 40],
  ["lab", 130],
] as const) {
  test(`${mebibytes} MiB go through the server to the agent and back unchanged over ${protocol}, and only stderr tells how far they are`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const { server } = await behindServer(lab);
    const content = randomFillSync(Buffer.alloc(mebibytes * mebibyte));
    await writeFile(lab.path("image"), content);
    const words = ["-s", server.address, "-protocol", protocol, "board", "transfer", "image", "back"];
    const { code, stdout, stderr } = await lab.dutctl(words);
    const sizes = [content.length, content.length + ending.length].map((size) => (size / mebibyte).toFixed(1));
    assert.deepEqual(
      [code, besidesProgress(stderr), stdout.split("\n").slice(2)],
      [
        0,
        "",
        [
          'Requesting file "image" passed in arg[0] as input',
          `↑ sent "image" (${sizes[0]} MiB)`,
          `↓ received "back" (${sizes[1]} MiB)`,
          'File operated successfully, delivered "back" as passed in arg[1] as output',
          "",
        ],
      ],
    );
    assert.equal(digest(await readFile(lab.path("back"))), digest(Buffer.concat([content, ending])));
  });
}

test("a file that the old protocol cannot carry is refused where it is, either way, and everything goes on", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { server, dutctl } = await behindServer(lab);
  const transfer = () => lab.dutctl(["-s", server.address, "-protocol", "v1", "board", "transfer", "image", "back"]);
  await writeFile(lab.path("image"), "");
  await truncate(lab.path("image"), 129 * mebibyte);
  const tooLargeToSend = await transfer();
  // As large as the client may send; the ending makes it larger than the agent may.
  await truncate(lab.path("image"), 128 * mebibyte - 64 * 1024);
  const tooLargeToGiveBack = await transfer();
  assert.deepEqual(
    [tooLargeToSend, tooLargeToGiveBack].map(({ code, stderr }) => [code, besidesProgress(stderr)]),
    [
      [
        1,
        '✗ reading requested file "image": larger than 127 MiB\n  this protocol sends a file in one message; compress it or split it\n',
      ],
      [
        1,
        '✗ file "back" is larger than 133169152 bytes, which is all that protocol v1 carries (use a client and an agent that both speak dutlab.v1)\n',
      ],
    ],
  );
  assert.deepEqual(await dutctl("sh", "echo alive"), { code: 0, stdout: "alive\n", stderr: "" });
});

test("an empty file goes both ways", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { dutctl } = await behindServer(lab);
  await writeFile(lab.path("empty"), "");
  const { code, stderr } = await dutctl("transfer", "empty", "back");
  assert.deepEqual([code, stderr, await readFile(lab.path("back"))], [0, "", ending]);
});

test("a file arrives although more input than anybody reads comes with it", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { server } = await behindServer(lab);
  await writeFile(lab.path("image"), randomFillSync(Buffer.alloc(8 * mebibyte)));
  const client = lab.start("dutctl", ["-s", server.address, "board", "transfer", "image", "back"]);
  const flood = lab.startWords(["yes"]);
  flood.process.stdout.removeAllListeners("data").pipe(client.process.stdin);
  const { code, stderr } = await client.ended;
  assert.deepEqual([code, besidesProgress(stderr)], [0, ""]);
  assert.equal(
    digest(await readFile(lab.path("back"))),
    digest(Buffer.concat([await readFile(lab.path("image")), ending])),
  );
});

test("a file that is not there is named", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { dutctl } = await behindServer(lab);
  const { code, stderr } = await dutctl("transfer", "nothing", "back");
  assert.deepEqual(
    [code, stderr],
    [1, '✗ reading requested file "nothing": open nothing: no such file or directory\n'],
  );
});

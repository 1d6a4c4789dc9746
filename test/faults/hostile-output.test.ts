import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { withoutTerminal } from "#test/support/on-terminal.ts";
import { openEvilAgent } from "./evil-agent.ts";
import { startOnTerminal } from "./terminal-session.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

/** What no device may do to a terminal, interactive or not. */
const hostile: readonly (Buffer | string)[] = [
  "\x1b]52;c;aGk=\x07",
  "\x1b]52;c;aGk=\x1b\\",
  "\x1b]0;title\x07",
  "\x1b]8;;http://evil\x1b\\",
  "\x1bPq#0\x1b\\",
  "\x1bP+q544e\x1b\\",
  "\x1b_apc\x1b\\",
  "\x1b^pm\x1b\\",
  "\x1bXsos\x1b\\",
  "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\",
  "\x1b[6n",
  "\x1b[c",
  "\x1b[>q",
  "\x1b[21t",
  "\x1b[?25$p",
  "\x1b[3J",
  "\x1b[5i",
  "\x1bc",
  "\x05",
  "\u009d0;title\u009c",
  "\u009b6n",
  "\u0090q\u009c",
  latin1("\x9b6n"),
  latin1("\x9d0;title\x9c"),
  "\u202egnp.exe\u202c",
  "\u2066x\u2069",
  latin1("\xc3("),
  latin1("\xf0\x9f\x98"),
  latin1("\xff\xfe"),
  "\x1b]52;c;never ended",
];

/** Every sequence with a text of its own before it; texts of a line follow strings that nobody ends. */
const corpus = Buffer.concat(
  hostile.flatMap((sequence, index) => [Buffer.from(`<${index}>`), Buffer.from(sequence), Buffer.from("\n")]),
);
const texts = hostile.map((_, index) => `<${index}>`);

/** What would steer: strings, questions, reset, erasing what was scrolled away, 8-bit controls, changes of direction. */
const steering = new RegExp(
  [
    "\\x1b[\\]P_^XcZ]",
    "\\x1b\\[[0-9;?>=]*(?:[nctqi]|\\$p)",
    "\\x1b\\[3J",
    "\\x05",
    "\\xc2[\\x80-\\x9f]",
    "\\xe2\\x80[\\xaa-\\xae]",
    "\\xe2\\x81[\\xa6-\\xa9]",
  ].join("|"),
);

/** What a recorded session's terminal was given by dutctl, in latin1. */
async function given(recording: string): Promise<string> {
  const all = await readFile(recording, "latin1");
  return all.slice(all.search(/pid \d+\r\n/), all.lastIndexOf("after "));
}

/** Throws when these bytes are no UTF-8, as 8-bit controls by themselves are none. */
function assertUtf8(bytes: string): void {
  new TextDecoder("utf-8", { fatal: true }).decode(latin1(bytes));
}

const board = {
  cmds: { sh: shellCommand, login: { uses: [{ module: "shell", passthrough: true, with: { interactive: true } }] } },
};

for (const [how, command] of [
  ["plain", "sh"],
  ["interactive", "login"],
] as const) {
  test(`what a device says to a terminal by a command that is ${how} cannot steer it, also byte by byte`, {
    skip: withoutTerminal,
  }, async (t) => {
    await using lab = await Lab.open(t.signal);
    const agent = await lab.agent({ board });
    await writeFile(lab.path("corpus"), corpus);
    const says = [`cat '${lab.path("corpus")}'`, `dd bs=1 status=none if='${lab.path("corpus")}'`];
    for (const [index, words] of says.entries()) {
      const recording = lab.path(`recording-${index}`);
      const session = startOnTerminal(
        lab,
        ["-s", agent.address, "board", command, `${words}; echo THE END`],
        recording,
      );
      assert.deepEqual(await session.outcome(), { code: 0, settingsAsBefore: true });
      const shown = await given(recording);
      assert.equal(steering.exec(shown)?.[0], undefined);
      assertUtf8(shown);
      assert.deepEqual(
        [...texts, "THE END"].filter((text) => shown.split(text).length !== 2),
        [],
      );
    }
  });
}

test("what a device says to a pipe arrives as it is, byte for byte, over both protocols", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent({ board });
  const all = Buffer.concat([corpus, Buffer.from(Array.from({ length: 65_536 }, (_, index) => index >> (index % 9)))]);
  await writeFile(lab.path("corpus"), all);
  for (const protocol of ["v1", "lab"]) {
    const words = [...lab.wordsOf("dutctl"), "-s", agent.address, "-protocol", protocol, "board", "sh"];
    const piped = lab.startWords(["sh", "-c", 'exec "$@" | cat >piped', "sh", ...words, `cat '${lab.path("corpus")}'`]);
    piped.process.stdin.end();
    assert.deepEqual(await piped.ended, { code: 0, stdout: "", stderr: "" });
    assert.ok((await readFile(lab.path("piped"))).equals(all), protocol);
  }
});

test("names, errors and files of an evil agent are escaped on a terminal, over both protocols", {
  skip: withoutTerminal,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  const text = corpus.toString("utf8").replaceAll("\n", " ");
  const deeds = [
    { kind: "fail", message: text },
    { kind: "ask", name: text },
    { kind: "send", name: text, content: Buffer.from("x") },
  ] as const;
  for (const deed of deeds) {
    await using agent = await openEvilAgent(() => deed);
    for (const words of [["list"], ["-protocol", "v1", "board", "x"], ["-protocol", "lab", "board", "x"]]) {
      const recording = lab.path("recording");
      const session = startOnTerminal(lab, ["-s", agent.address, ...words], recording);
      const { code, settingsAsBefore } = await session.outcome();
      const shown = await given(recording);
      assert.equal(steering.exec(shown)?.[0], undefined, JSON.stringify(shown));
      assertUtf8(shown);
      assert.deepEqual([code === 0, settingsAsBefore], [words[0] === "list", true], shown);
    }
  }
});

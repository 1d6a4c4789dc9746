import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { silentLog } from "#pkg/log/log.ts";
import { type MemoryBoard, memorySerialPorts } from "#test/support/memory-serial-ports.ts";
import { recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { serial } from "./serial.ts";

const path = "/dev/ttyUSB0";

/** A run against a board in memory: what the client saw, what the board heard, how it ended. */
function startRun(board: MemoryBoard, args: readonly string[], options: Record<string, unknown> = {}) {
  const { serialPorts, devices } = memorySerialPorts({ [path]: board });
  const device = devices[path];
  const cancel = new AbortController();
  const { call, transcript } = recordedCall(args, { signal: cancel.signal });
  const run = async () => {
    const host = { serialPorts } as unknown as Host;
    const context = { host, log: silentLog, signal: cancel.signal };
    await using module = await serial.configure({ port: path, delay: "0s", record: "off", ...options }).open(context);
    return await module.run(call).then(
      () => "done",
      (error: unknown) => messageOf(error),
    );
  };
  return { device, cancel, transcript, ended: run() };
}

/** The same, run to its end. Neighbouring words of one kind are joined. */
async function completeRun(board: MemoryBoard, args: readonly string[], options?: Record<string, unknown>) {
  const { device, transcript, ended } = startRun(board, args, options);
  const end = await ended;
  return { screen: screenOf(transcript), heard: device.heard, end, open: device.isOpen };
}

function screenOf(transcript: readonly Utterance[]): string {
  return transcript.map((utterance) => Object.values(utterance).join("")).join("");
}

test("a login shows everything the board said, with markers on lines of their own", async () => {
  const board = {
    stale: "from the last boot\n",
    greeting: ["booting\r\n", "\x1b[1mlog", "in:\x1b[0m "],
    answers: {
      "root\r": ["root\r\n", "Password: "],
      "hunter2\r": ["\r\n# "],
      "echo hunter2 | wc\r": ["echo hun", "ter2 | wc\r\n1 1 8\r\n# "],
    },
  };
  const steps = "expect login: send root expect Password: send-secret hunter2 expect #".split(" ");
  assert.deepEqual(
    await completeRun(board, ["--", ...steps, "send", "echo hunter2 | wc", "expect", "(?m)^[ 0-9]+\r$"]),
    {
      screen: [
        "--- Connected to /dev/ttyUSB0 at 115200 baud ---",
        "booting\r",
        "login: ",
        '--- [1/7] matched "login:" ---',
        '--- [2/7] sent "root" ---',
        "root\r",
        "Password: ",
        '--- [3/7] matched "Password:" ---',
        "--- [4/7] sent *** ---",
        "\r",
        "# ",
        '--- [5/7] matched "#" ---',
        '--- [6/7] sent "echo hunter2 | wc" ---',
        "echo *** | wc\r",
        "1 1 8\r",
        "# ",
        '--- [7/7] matched "(?m)^[ 0-9]+\\r$" ---',
        "--- Script completed ---",
        "",
      ].join("\n"),
      heard: ["root\r", "hunter2\r", "echo hunter2 | wc\r"],
      end: "done",
      open: false,
    },
  );
});

test("device output is bytes on stdout and markers are printed, in the order they came", async () => {
  const { transcript, ended } = startRun({ greeting: ["ok"] }, ["expect", "k"], { baud: 9600 });
  await ended;
  assert.deepEqual(transcript, [
    { print: "--- Connected to /dev/ttyUSB0 at 9600 baud ---\n" },
    { stdout: "ok" },
    { print: "\n" },
    { print: '--- [1/1] matched "k" ---\n' },
    { print: "--- Script completed ---\n" },
  ]);
});

test("an expect finds what arrived while an earlier step was at work, and a send forgets what was shown", async () => {
  const board = { greeting: ["one two"], answers: { "x\r": ["three"] } };
  const found = await completeRun(board, ["expect", "one", "expect", "two", "send", "x", "expect", "three"]);
  const forgotten = await completeRun(board, ["expect", "one", "send", "x", "expect", "-t", "50ms", "two"]);
  assert.deepEqual(
    [found.end, forgotten.end],
    ["done", 'step 3 (expect "two"): timeout of 50ms reached without match'],
  );
});

test("a last send is followed by its answer, also when the board dies of it", async () => {
  const { screen, end } = await completeRun({ answers: { "reboot\n": ["bye"] }, diesAt: "reboot\n" }, [
    "-eol",
    "lf",
    "send",
    "reboot",
  ]);
  assert.deepEqual(
    { screen, end },
    {
      screen: `--- Connected to /dev/ttyUSB0 at 115200 baud ---
--- [1/1] sent "reboot" ---
bye
--- Script completed ---
`,
      end: "done",
    },
  );
});

test("the answer to a last send is awaited for a second, whatever -t says", async () => {
  const { transcript, ended } = startRun({ greeting: ["late"] }, ["-t", "300ms", "send", "x"]);
  const started = performance.now();
  assert.equal(await ended, "done");
  assert.deepEqual(
    [performance.now() - started > 950, transcript.slice(-4)],
    [
      true,
      [
        { print: '--- [1/1] sent "x" ---\n' },
        { stdout: "late" },
        { print: "\n" },
        { print: "--- Script completed ---\n" },
      ],
    ],
  );
});

test("a step that fails says which one and why", async () => {
  const long = "a very long pattern that is cut";
  const ends = await Promise.all([
    completeRun({}, ["-t", "60ms", "expect", long]),
    completeRun({ answers: {}, diesAt: "x\r" }, ["send", "x", "expect", "never"]),
    completeRun({ diesAt: "x\r" }, ["send", "x", "send-raw", "y"]),
    completeRun({ diesAt: "x\r" }, ["send", "x", "send-secret", "hunter2"]),
    completeRun({}, ["-t", "1ms", "send", "x"], { delay: "1h" }),
    completeRun({}, ["send", "\\q"]),
    completeRun({}, ["expect", "x"], { port: "/dev/ttyUSB1" }),
  ]);
  assert.deepEqual(
    ends.map(({ end, open }) => [end, open]),
    [
      ['step 1 (expect "a very long pattern ..."): timeout of 60ms reached without match', false],
      ['step 2 (expect "never"): the device went away', false],
      ['step 2 (send "y"): the device went away', false],
      ["step 2 (send ***): the device went away", false],
      ['step 1 (send "x"): context deadline exceeded', false],
      ['invalid data "\\\\q": unknown escape "\\\\q"', false],
      ["failed to open serial port /dev/ttyUSB1: there is no serial device /dev/ttyUSB1", false],
    ],
  );
});

test("without steps the console is watched until the time is up, which is a success", async () => {
  const { screen, end, open } = await completeRun({ greeting: ["a\x1b[2J", "b"] }, ["-t", "100ms", "-keep-escapes"]);
  assert.deepEqual(
    { screen, end, open },
    {
      screen: "--- Connected to /dev/ttyUSB0 at 115200 baud ---\na\x1b[2Jb\n--- Connection closed ---\n",
      end: "done",
      open: false,
    },
  );
});

test("watching ends with the device", async () => {
  const { device, ended } = startRun({}, []);
  device.unplug();
  assert.equal(await ended, "monitor: the device went away");
});

test("a cancelled run stops at once, wherever it is, with the port closed", async () => {
  const reason = new DutError("canceled", "context canceled");
  const deadline = new DutError("deadline_exceeded", "context deadline exceeded");
  const ends = await Promise.all(
    [
      { args: [], why: reason },
      { args: ["expect", "never"], why: reason },
      { args: ["expect", "never"], why: deadline },
      { args: ["send", "x"], why: reason },
    ].map(async ({ args, why }) => {
      const { device, cancel, ended, transcript } = startRun({}, args, { delay: "1h" });
      await Promise.resolve();
      cancel.abort(why);
      return [await ended, device.isOpen, transcript.length];
    }),
  );
  assert.deepEqual(ends, [
    ["context canceled", false, 1],
    ['step 1 (expect "never"): canceled', false, 1],
    ['step 1 (expect "never"): deadline reached without match', false, 1],
    ['step 1 (send "x"): context canceled', false, 1],
  ]);
});

test("options that cannot work are refused before anything runs", () => {
  const problems = [
    {},
    { port: "" },
    { port: path, baud: "fast" },
    { port: path, delay: "soon" },
    { port: path, speed: 1 },
  ];
  const messages = problems.map((options) => {
    try {
      serial.configure(options);
      return "accepted";
    } catch (error) {
      return (error as { issues: { path: string[]; message: string }[] }).issues
        .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
        .join("; ");
    }
  });
  assert.deepEqual(messages, [
    "port: COM port is not set: give the path of the device",
    "port: COM port is not set: give the path of the device",
    "baud: Invalid input: expected number, received string",
    'delay: time: invalid duration "soon" (write a number and a unit, such as 300ms, 1.5h or 1h30m)',
    ': Unrecognized key: "speed"',
  ]);
});

test("the help names the port, its speed and every verb and flag", () => {
  const { help } = serial.configure({ port: path, baud: 9600 });
  const words = ['"/dev/ttyUSB0"', "9600", "expect", "send", "send-raw", "send-secret", "-t", "-eol", "-keep-escapes"];
  assert.deepEqual(
    words.filter((word) => !help.includes(word)),
    [],
  );
});

test("of several expressions the one that matches first counts, and the marker says which", async () => {
  const board = { greeting: ["boot> or login: "] };
  const { screen, end } = await completeRun(board, ["expect", "login:", "or", "boot>", "expect", "login:", "or", "x"]);
  assert.deepEqual([screen.match(/matched .*(?= ---)/g), end], [['matched "boot>"', 'matched "login:"'], "done"]);
});

test("output that a script fails on ends it, while it waits, in what stood behind a match, and after its last send", async () => {
  const waiting = { greeting: ["booting\n", "Kernel panic\n", "login:"] };
  const behind = { greeting: ["login: Oops"] };
  const later = { answers: { "x\r": ["fine\n", "Oops"] } };
  const ends = [
    await completeRun(waiting, ["fail-on", "Kernel (panic|oops)", "expect", "login:"]),
    await completeRun(behind, ["fail-on", "Oops", "expect", "login:", "send", "root"]),
    await completeRun(later, ["fail-on", "Oops", "send", "x"]),
    await completeRun({ greeting: ["login: Oops"] }, ["fail-on", "Oops", "expect", "login:"]),
  ].map(({ end }) => end);
  assert.deepEqual(ends, [
    'step 2 (expect "login:"): the output matched fail-on "Kernel (panic|oops)"',
    'step 3 (send "root"): the output matched fail-on "Oops"',
    'the output matched fail-on "Oops"',
    "done",
  ]);
});

test("a step's own time limit ends it, and the next one has another", async () => {
  const board = { greeting: ["one"] };
  const args = ["-t", "1h", "expect", "-t", "1h", "one", "expect", "-t", "30ms", "two"];
  const { end } = await completeRun(board, args);
  assert.equal(end, 'step 2 (expect "two"): timeout of 30ms reached without match');
});

test("what a group matched is typed and expected later, as text", async () => {
  const board = {
    greeting: ["inet 10.0.0.7/24\n"],
    answers: { "ping 10.0.0.7 %{http_code}\r": ["ping 10x0x0x7 ", "10.0.0.7 is alive"] },
  };
  const args = ["expect", "inet (?P<ip>[0-9.]+)(?P<none>x)?", "send", "ping %{ip}%{none} %{http_code}"];
  const { screen, heard, end } = await completeRun(board, [...args, "expect", "%{ip} is"]);
  assert.deepEqual(
    [screen.match(/\[.*(?= ---)/g), heard, end],
    [
      [
        '[1/3] matched "inet (?P<ip>[0-9.]+)..." ip="10.0.0.7" none=""',
        '[2/3] sent "ping 10.0.0.7 %{http..."',
        '[3/3] matched "%{ip} is"',
      ],
      ["ping 10.0.0.7 %{http_code}\r"],
      "done",
    ],
  );
});

test("text of a board that would press keys is not typed at it", async () => {
  const { heard, end } = await completeRun({ greeting: ["name: x\nreboot\n."] }, [
    ...["expect", "(?s)name: (?P<name>.*)\\.", "send", "echo %{name}"],
  ]);
  assert.deepEqual(
    [heard, end],
    [[], 'step 2 (send "echo %{name}"): the captured text "x\\nreboot\\n" has control characters in it'],
  );
});

test("a secret that a group matched is in no marker and in no error", async () => {
  const board = { answers: { "hunter2\r": ["hunter2 is wrong\n"], "say hunter2\r": ["hunter2!\n."] } };
  const args = ["send-secret", "hunter2", "expect", "(?P<heard>h.*2) is", "send", "say %{heard}"];
  const more = ["expect", "(?s)(?P<lines>h.*)\\.", "send", "%{lines}"];
  const { screen, heard, end } = await completeRun(board, [...args, ...more]);
  assert.deepEqual(
    [screen.match(/\[.*(?= ---)/g), heard, end],
    [
      [
        "[1/5] sent ***",
        '[2/5] matched "(?P<heard>h.*2) is" heard="***"',
        '[3/5] sent "say ***"',
        '[4/5] matched "(?s)(?P<lines>h.*)\\\\." lines="***!\\n"',
      ],
      ["hunter2\r", "say hunter2\r"],
      'step 5 (send "%{lines}"): the captured text "***!\\n" has control characters in it',
    ],
  );
});

test("an expression that a captured secret makes too large is refused without it", async () => {
  const board = { answers: { "hunter2\r": ["hunter2\n"] } };
  const args = ["send-secret", "hunter2", "expect", "(?P<heard>h.*2)", "expect", "(?:%{heard}){200}"];
  const { end } = await completeRun(board, args);
  assert.equal(end, 'step 3 (expect "(?:%{heard}){200}"): regular expression "(?:***){200}" is too large');
});

test("break, DTR and RTS happen in their turn", async () => {
  const { device, transcript, ended } = startRun({}, ["break", "1s", "dtr", "off", "send", "x", "rts", "on", "break"]);
  assert.equal(await ended, "done");
  assert.deepEqual(
    [device.lines, screenOf(transcript).match(/\[.*(?= ---)/g)],
    [
      ["break 1000", "dtr off", "rts on", "break 250"],
      [
        "[1/5] sent a break of 1s",
        "[2/5] dtr is off",
        '[3/5] sent "x"',
        "[4/5] rts is on",
        "[5/5] sent a break of 250ms",
      ],
    ],
  );
});

test("a command that only looks types nothing, and one of a port that is not recorded has no history", async () => {
  const ends = [
    await completeRun({}, ["send", "x"], { watch: true }),
    await completeRun({}, ["-i"], { watch: true }),
    await completeRun({ greeting: ["login:"] }, ["expect", "login:"], { watch: true }),
    await completeRun({}, ["-history", "5"]),
  ].map(({ end, heard }) => [end, heard.length]);
  assert.deepEqual(ends, [
    ['"send" is not for this command, which only looks', 0],
    ['"-i" is not for this command, which only looks', 0],
    ["done", 0],
    ["nothing is recorded of serial port /dev/ttyUSB0", 0],
  ]);
});

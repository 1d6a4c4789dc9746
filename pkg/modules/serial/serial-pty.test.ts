import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { nodeSerialPorts } from "#pkg/host/node-serial-ports.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { Call } from "#pkg/modules/module.ts";
import { memorySerialPorts } from "#test/support/memory-serial-ports.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { serial } from "./serial.ts";

const skip = withoutSocat;
const login = fileURLToPath(new URL("../../../test/programs/login.sh", import.meta.url));

async function run(port: string, call: Call, serialPorts = nodeSerialPorts()): Promise<string> {
  const context = { host: { serialPorts } as unknown as Host, log: silentLog, signal: call.signal };
  await using module = await serial.configure({ port }).open(context);
  return await module.run(call).then(
    () => "done",
    (error: unknown) => messageOf(error),
  );
}

test("a real terminal with a login lets one in and answers", { skip }, async () => {
  await using board = await openPtyPair(login);
  const { call, transcript } = recordedCall(
    // biome-ignore format: one step a line
    ["-t", "30s", "--",
      "send", "",
      "expect", "login: $",
      "send", "root",
      "expect", "Password: $",
      "send-secret", "open sesame",
      "expect", "Welcome to board\r\n# $",
      "send", "token open sesame",
      "expect", "got token .*\r\n# $",
      "send", "uname",
      "expect", "Linux board\r\n# $",
      "send", "exit",
      "expect", "exit\r\n$"],
  );
  assert.equal(await run(board.device, call), "done");
  assert.equal(
    transcript.map((utterance) => Object.values(utterance).join("")).join(""),
    [
      `--- Connected to ${board.device} at 115200 baud ---`,
      '--- [1/12] sent "" ---',
      "\r",
      "board login: ",
      '--- [2/12] matched "login: $" ---',
      '--- [3/12] sent "root" ---',
      "root\r",
      "Password: ",
      '--- [4/12] matched "Password: $" ---',
      "--- [5/12] sent *** ---",
      "\r",
      "Welcome to board\r",
      "# ",
      '--- [6/12] matched "Welcome to board\\r\\n# ..." ---',
      '--- [7/12] sent "token open sesame" ---',
      "token ***\r",
      "got token ***\r",
      "# ",
      '--- [8/12] matched "got token .*\\r\\n# $" ---',
      '--- [9/12] sent "uname" ---',
      "uname\r",
      "Linux board\r",
      "# ",
      '--- [10/12] matched "Linux board\\r\\n# $" ---',
      '--- [11/12] sent "exit" ---',
      "exit\r",
      '--- [12/12] matched "exit\\r\\n$" ---',
      "--- Script completed ---",
      "",
    ].join("\n"),
  );
});

test("several MB run through an expect without a byte lost, and the mark at their end is found", {
  skip,
}, async (t) => {
  const serialPorts = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using board = await serialPorts.open(pair.farEnd, { baud: 115_200 });
  const lines = Array.from({ length: 50_000 }, (_, line) => `line ${line} ${"x".repeat(line % 97)}\r\n`).join("");
  const { call, transcript } = recordedCall(["-t", "60s", "expect", "(?i)the very end[.]$"]);
  const started = performance.now();
  const ended = run(
    pair.device,
    {
      ...call,
      session: {
        ...call.session,
        async print(text) {
          await call.session.print(text);
          if (text.includes("Connected")) {
            board.write(Buffer.from(`${lines}The very end.`), t.signal).catch(() => {});
          }
        },
      },
    },
    serialPorts,
  );
  assert.equal(await ended, "done");
  t.diagnostic(`${(lines.length / 1e3 / (performance.now() - started)).toFixed(1)} MB/s`);
  const output = transcript.map((utterance) => ("stdout" in utterance ? utterance.stdout : "")).join("");
  assert.ok(output === `${lines}The very end.`, `${output.length} bytes of ${lines.length}`);
});

test("a cable that is pulled ends the run with what is wrong", { skip }, async () => {
  await using pair = await openPtyPair();
  const { call } = recordedCall(["expect", "never"]);
  const print = async (text: string) => {
    await call.session.print(text);
    await pair.unplug();
  };
  assert.equal(
    await run(pair.device, { ...call, session: { ...call.session, print } }),
    `step 1 (expect "never"): ${pair.device} went away`,
  );
});

test("watching shows output until the run is cancelled, and the port is free again", { skip }, async (t) => {
  const serialPorts = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using board = await serialPorts.open(pair.farEnd, { baud: 115_200 });
  const cancel = new AbortController();
  const { call, transcript } = recordedCall([], { signal: cancel.signal });
  const session = {
    ...call.session,
    async print(text: string) {
      await call.session.print(text);
      await board.write(Buffer.from("tick"), t.signal);
    },
    async stdout(bytes: Uint8Array) {
      await call.session.stdout(bytes);
      assert.match(await run(pair.device, recordedCall([]).call, serialPorts), /is in use by another run$/);
      cancel.abort(new Error("client gone"));
    },
  };
  assert.equal(await run(pair.device, { ...call, session }, serialPorts), "client gone");
  assert.deepEqual(transcript, [{ print: `--- Connected to ${pair.device} at 115200 baud ---\n` }, { stdout: "tick" }]);
  await using again = await serialPorts.open(pair.device, { baud: 115_200 });
  assert.ok(again);
});

test("a cable that is pulled and plugged in again leaves an interactive user with the board that is there then", {
  skip,
}, async (t) => {
  const serialPorts = nodeSerialPorts();
  await using pair = await openPtyPair();
  const cancel = new AbortController();
  const answered = Promise.withResolvers<void>();
  const { call, transcript } = recordedCall(["-i"], {
    signal: cancel.signal,
    stdin: (async function* () {
      await answered.promise;
      yield "on the new one";
    })(),
  });
  const heard = Promise.withResolvers<string>();
  const print = async (text: string) => {
    await call.session.print(text);
    if (text.includes("Connected")) {
      await pair.unplug();
    } else if (text.includes("waiting to reconnect")) {
      await pair.replug();
    } else if (text.includes("reconnected")) {
      await using board = await serialPorts.open(pair.farEnd, { baud: 115_200 });
      await board.write(Buffer.from("hello again"), t.signal);
      answered.resolve();
      for await (const piece of board.received) {
        heard.resolve(String(piece));
        break;
      }
    }
  };
  const ended = run(pair.device, { ...call, session: { ...call.session, print } }, serialPorts);
  assert.equal(await heard.promise, "on the new one");
  cancel.abort(new Error("the user left"));
  assert.equal(await ended, "the user left");
  assert.deepEqual(
    transcript.filter((utterance) => "print" in utterance),
    [
      { print: `--- Connected to ${pair.device} at 115200 baud ---\n` },
      { print: "--- Serial device disconnected, waiting to reconnect ---\n" },
      { print: "--- Serial device reconnected ---\n" },
    ],
  );
});

test("an expression that hangs engines that backtrack costs an expect its time and no other run more", async () => {
  const { serialPorts } = memorySerialPorts({ "/dev/board": { greeting: [`${"a".repeat(60_000)}!`] } });
  const { call } = recordedCall(["-t", "500ms", "--", "expect", "(a+)+$"]);
  const started = workedMs();
  let longestTurn = 0;
  let last = started;
  const heartbeat = setInterval(() => {
    longestTurn = Math.max(longestTurn, workedMs() - last);
    last = workedMs();
  }, 5);
  const end = await run("/dev/board", call, serialPorts);
  clearInterval(heartbeat);
  assert.deepEqual(
    { end, inTime: workedMs() - started < 1000, longestTurn: longestTurn < 400 },
    {
      end: 'step 1 (expect "(a+)+$"): timeout of 500ms reached without match',
      inTime: true,
      longestTurn: true,
    },
  );
});

/** What this thread has worked so far: a busy computer makes it wait, and that is no work. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

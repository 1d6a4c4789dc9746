import assert from "node:assert/strict";
import { test } from "node:test";
import { type MemoryBoard, memorySerialPorts } from "#test/support/memory-serial-ports.ts";
import { recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { serial } from "./serial.ts";

const path = "/dev/ttyUSB0";
const terminal = { type: "xterm", size: { rows: 24, columns: 80 } };

/** Something that the test says when the time has come. */
function cue() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { given: promise, give: () => resolve() };
}

/** Starts a run on a board; `seen` tells when a text has been shown. */
function start(board: MemoryBoard, args: readonly string[], given: Parameters<typeof recordedCall>[1]) {
  const { serialPorts, devices } = memorySerialPorts({ [path]: board });
  const cancel = new AbortController();
  const { call, transcript } = recordedCall(args, { signal: cancel.signal, ...given });
  const cues = new Map<string, () => void>();
  const tell = (say: (text: never) => Promise<void>) => async (text: string | Uint8Array) => {
    await say(text as never);
    const shown = screenOf(transcript);
    for (const [awaited, give] of cues) {
      if (shown.includes(awaited)) {
        give();
      }
    }
  };
  const session = { ...call.session, print: tell(call.session.print), stdout: tell(call.session.stdout) };
  const ended = runModule(serial, { port: path, record: "off" }, { ...call, session }, { serialPorts }).then(
    () => "done",
    (error: Error) => error.message,
  );
  const seen = async (text: string) => {
    const awaited = cue();
    cues.set(text, awaited.give);
    if (screenOf(transcript).includes(text)) {
      awaited.give();
    }
    await awaited.given;
  };
  return { device: devices[path], transcript, cancel, ended, seen };
}

function screenOf(transcript: readonly Utterance[]): string {
  return transcript.map((utterance) => ("rawMode" in utterance ? "" : Object.values(utterance).join(""))).join("");
}

const connected = `--- Connected to ${path} at 115200 baud ---\n`;
const raw = { on: { rawMode: true }, off: { rawMode: false } };

test("on a terminal without steps every key goes to the device and every byte of it to the user", async () => {
  const leave = cue();
  const { device, transcript, cancel, ended, seen } = start(
    { greeting: ["\x1b[1mlogin: "], answers: { "\x03": ["^C\r\n"] } },
    [],
    {
      terminal,
      stdin: (async function* () {
        yield "r";
        yield "\x03";
        await leave.given;
      })(),
    },
  );
  await seen("^C\r\n");
  cancel.abort(new Error("the user left"));
  leave.give();
  assert.deepEqual(
    [await ended, device.heard, device.isOpen, transcript[1], screenOf(transcript), transcript.at(-1)],
    ["the user left", ["r", "\x03"], false, raw.on, `${connected}\x1b[1mlogin: ^C\r\n`, raw.off],
  );
});

test("without a terminal -i passes on what is piped in, and shows the answer until the time is up", async () => {
  const { device, transcript, ended } = start({ answers: { "uname\r": ["uname\r\nLinux"] } }, ["-i", "-t", "100ms"], {
    stdin: ["uname\r"],
  });
  assert.deepEqual(
    [await ended, device.heard, screenOf(transcript)],
    ["done", ["uname\r"], `${connected}uname\r\nLinux\n--- Connection closed ---\n`],
  );
});

test("without a terminal and without -i nothing that is piped in reaches the device", async () => {
  const { device, transcript, ended } = start({ greeting: ["\x1b[1mtick"] }, ["-t", "50ms"], { stdin: ["typed"] });
  assert.deepEqual(
    [await ended, device.heard, screenOf(transcript)],
    ["done", [], `${connected}tick\n--- Connection closed ---\n`],
  );
});

test("a device that is unplugged is waited for, and what is typed meanwhile is lost", async () => {
  const typed = cue();
  const typedAgain = cue();
  const { device, transcript, cancel, ended, seen } = start({ answers: { two: ["second"] } }, ["-i"], {
    stdin: (async function* () {
      await typed.given;
      yield "lost";
      await typedAgain.given;
      yield "two";
    })(),
  });
  await seen("Connected");
  device.unplug();
  await seen("waiting to reconnect");
  typed.give();
  device.replug();
  await seen("reconnected");
  typedAgain.give();
  await seen("second");
  cancel.abort(new Error("the user left"));
  assert.deepEqual(
    [await ended, device.heard, device.bauds, screenOf(transcript), device.isOpen],
    [
      "the user left",
      ["two"],
      [115_200, 115_200],
      `${connected}--- Serial device disconnected, waiting to reconnect ---\n--- Serial device reconnected ---\nsecond`,
      false,
    ],
  );
});

test("a user who leaves while the device is away leaves at once", async () => {
  const { device, cancel, ended, seen, transcript } = start({}, [], { terminal });
  device.unplug();
  await seen("waiting to reconnect");
  cancel.abort(new Error("the user left"));
  assert.deepEqual([await ended, transcript.at(-1)], ["the user left", raw.off]);
});

test("a run says which serial port it needs for itself", () => {
  assert.deepEqual(serial.configure({ port: path }).resources, [{ kind: "serial port", name: path }]);
});

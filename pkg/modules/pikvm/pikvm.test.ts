import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import type { Call } from "#pkg/modules/module.ts";
import { httpServer } from "#test/support/http-server.ts";
import { openPikvm, picture } from "#test/support/pikvm.ts";
import { recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { pikvm } from "./pikvm.ts";
import { oneTimeCode, parseSecret } from "./totp.ts";

const host = nodeHost();

/** What it printed, and then the error if it failed. */
async function said(options: object, args: readonly string[], given?: Parameters<typeof recordedCall>[1]) {
  const { transcript, error } = await ran(options, args, given);
  const printed = transcript.flatMap((utterance) => ("print" in utterance ? [utterance.print] : []));
  return [...printed, ...(error === undefined ? [] : [error])];
}

async function ran(options: object, args: readonly string[], given?: Parameters<typeof recordedCall>[1]) {
  const { call, transcript } = recordedCall(args, given);
  const error = await runModule(pikvm, options, call, host).then(() => undefined, explain);
  return { transcript, error };
}

suite("with a PiKVM", () => {
  let kvm: Awaited<ReturnType<typeof openPikvm>>;
  before(async () => {
    kvm = await openPikvm();
  });
  after(() => kvm[Symbol.asyncDispose]());
  beforeEach(() => {
    kvm.be({});
    const { state } = kvm;
    state.power = false;
    state.free = 1_000_000_000;
    state.seen.length = 0;
    state.down.clear();
    Object.assign(state.drive, { image: null, connected: false, cdrom: true, rw: false });
    for (const name of Object.keys(state.images)) {
      delete state.images[name];
    }
  });

  const good = () => ({ host: kvm.host, password: kvm.password, insecure: true });
  const power = () => ({ ...good(), mode: "power" });
  const media = () => ({ ...good(), mode: "media" });

  test("power follows the LED: what is so already is not pressed", async () => {
    const told: (readonly string[])[] = [];
    for (const word of ["status", "on", "ON", "reset", "off", "off", "force-off"]) {
      told.push(await said(power(), [word]));
    }
    kvm.state.power = true;
    told.push(await said(good(), ["Power", "force-off"]));
    assert.deepEqual(
      { told, seen: kvm.state.seen },
      {
        told: [
          ["Device power status: Off\n"],
          ["Power ON command sent\n", "Device power status: On\n"],
          ["Device power status: On\n"],
          ["Power RESET command sent\n", "A reset does not show in the power LED\n", "Device power status: On\n"],
          ["Power OFF command sent\n", "Device power status: Off\n"],
          ["Device power status: Off\n"],
          ["Device power status: Off\n"],
          ["Power FORCE-OFF command sent\n", "Device power status: Off\n"],
        ],
        seen: ["on", "reset_hard", "off", "off_hard"],
      },
    );
  });

  test("a device that does not go on, or shut down, fails the command", async () => {
    kvm.be({ deaf: true });
    const on = await said({ ...power(), confirm: "10ms" }, ["on"]);
    kvm.state.power = true;
    const off = await said({ ...power(), grace: "10ms" }, ["off"]);
    const still = (state: string) =>
      `the command was accepted, but the power is still ${state} after 10ms (if the device is only slow, allow it more time in the options)`;
    assert.deepEqual(
      { on, off },
      { on: ["Power ON command sent\n", still("off")], off: ["Power OFF command sent\n", still("on")] },
    );
  });

  test("buttons are pressed as such; a reset of a device that is off, or without wires, is refused", async () => {
    assert.deepEqual(
      [...(await said(power(), ["click", "power-long"])), ...(await said(power(), ["reset"])), kvm.state.seen.join()],
      ["Pressed power-long\n", "the device is off: its reset button does nothing (switch it on)", "power_long"],
    );
    kvm.be({ atx: false });
    assert.deepEqual(await said(power(), ["on"]), [
      "the PiKVM has no ATX control (wire the device's power button, reset button and LED to it, and switch it on in its configuration)",
    ]);
  });

  test("a text is typed whole, with the layout of the device", async () => {
    const long = "ä".repeat(2000);
    assert.deepEqual(
      [
        ...(await said({ ...good(), keymap: "de" }, ["keyboard", "type", "root", "ls -l"])),
        ...(await said(good(), ["keyboard", "type", long])),
        ...(await said({ ...good(), keymap: "xx" }, ["keyboard", "type", "a"])),
      ],
      [
        "Typed 10 characters\n",
        "Typed 2000 characters\n",
        "POST /api/hid/print: status 400: The argument 'xx' is not a valid keymap",
      ],
    );
    assert.deepEqual(kvm.state.seen, ["de: root ls -l", `en-us: ${long}`]);
  });

  test("keys are pressed in order and released in reverse, also when one is refused", async () => {
    const told = [
      ...(await said(good(), ["keyboard", "key", "ctrl+alt+del", "F12"])),
      ...(await said(good(), ["keyboard", "key", "shift+Nonsense"])),
      ...(await said(good(), ["keyboard", "key", "shift+"])),
    ];
    assert.deepEqual(
      { told, seen: kvm.state.seen, down: kvm.state.down.size },
      {
        told: [
          "Pressed ControlLeft+AltLeft+Delete\n",
          "Pressed F12\n",
          "POST /api/hid/events/send_key: status 400: The argument 'Nonsense' is not a valid keyboard key",
          'unknown key "" in "shift+" (write it as in enter, f12, ctrl+alt+del or ControlLeft+KeyC)',
        ],
        seen: [
          "+ControlLeft",
          "+AltLeft",
          "+Delete",
          "-Delete",
          "-AltLeft",
          "-ControlLeft",
          "+F12",
          "-F12",
          "+ShiftLeft",
          "-ShiftLeft",
        ],
        down: 0,
      },
    );
  });

  test("keys do not stay down when the run is cancelled while one is pressed", async () => {
    kvm.be({ hangsAt: "AltLeft" });
    const ending = new AbortController();
    const { call } = recordedCall(["keyboard", "key", "ctrl+alt"], { signal: ending.signal });
    const run = runModule(pikvm, good(), call, host);
    await kvm.hanging();
    ending.abort(new Error("client gone"));
    await assert.rejects(run, new Error("client gone"));
    assert.deepEqual([...kvm.state.down], []);
  });

  test("a keyboard that nobody reads is not typed at", async () => {
    kvm.be({ keyboard: false });
    assert.deepEqual(await said(good(), ["keyboard", "type", "a"]), [
      "the device does not read the PiKVM's keyboard (is it on, and is its USB cable plugged in?)",
    ]);
  });

  test("a file of the client's is stored, inserted, changed for another, ejected and removed", async () => {
    const content = Buffer.alloc(2_500_000, 1);
    const { transcript, error } = await ran(media(), ["upload", "images/debian.iso"], {
      files: { "images/debian.iso": content },
    });
    const upload = transcript.map((utterance) => ("progress" in utterance ? utterance.progress.done : utterance));
    const told: Record<string, readonly string[]> = {};
    await said(media(), ["upload", "small.img", "stick"], { files: { "small.img": Buffer.from("x") } });
    for (const words of [
      "insert debian.iso",
      "insert stick -usb -rw",
      "status",
      "remove stick",
      "eject",
      "eject",
      "remove stick",
    ]) {
      told[`${Object.keys(told).length} ${words}`] = await said(media(), words.split(" "));
    }
    const { images, drive } = kvm.state;
    assert.deepEqual(
      { upload, error, told, images, connected: drive.connected },
      {
        upload: [{ requested: "images/debian.iso" }, 2_500_000, { print: "Stored debian.iso: 2500000 bytes\n" }],
        error: undefined,
        told: {
          "0 insert debian.iso": ["Drive: debian.iso as a CD-ROM\n"],
          "1 insert stick -usb -rw": ["Drive: empty\n", "Drive: stick as a USB stick, writable\n"],
          "2 status": [
            "Drive: stick as a USB stick, writable\nImage debian.iso: 2500000 bytes\nImage stick: 1 bytes\nFree: 1000000000 bytes\n",
          ],
          "3 remove stick": ["the image stick is inserted (eject it first)"],
          "4 eject": ["Drive: empty\n"],
          "5 eject": ["Drive: empty\n"],
          "6 remove stick": ["Removed stick\n"],
        },
        images: { "debian.iso": { size: 2_500_000, complete: true } },
        connected: false,
      },
    );
  });

  test("what cannot be stored is not asked of the client, or not sent", async () => {
    kvm.state.images.there = { size: 1, complete: true };
    kvm.state.free = 10;
    const files = { there: Buffer.from("x"), large: Buffer.alloc(11), ".hidden": Buffer.from("x") };
    const told = [
      ...(await said(media(), ["upload", "there"], { files })),
      ...(await said(media(), ["upload", "large"], { files })),
      ...(await said(media(), ["upload", ".hidden"], { files })),
      ...(await said(media(), ["insert", "nowhere"])),
    ];
    kvm.be({ msd: false });
    assert.deepEqual(
      [...told, ...(await said(media(), ["status"]))],
      [
        "the PiKVM has an image there already (remove it first, or give another name)",
        "the image has 11 bytes, and the PiKVM has 10 free (remove images that are not needed)",
        '".hidden" cannot be the name of an image (use a name without slashes that does not begin with a dot)',
        'the PiKVM has no image "nowhere" (it has there)',
        "the PiKVM's mass storage drive is not available (its storage is off line: see its log)",
      ],
    );
  });

  test("a PiKVM that keeps half an image, or does not connect its drive, is not believed", async () => {
    kvm.state.images.there = { size: 1, complete: true };
    kvm.be({ deaf: true });
    const options = { ...media(), confirm: "10ms" };
    assert.deepEqual(
      [
        ...(await said(options, ["upload", "file"], { files: { file: Buffer.alloc(100) } })),
        ...(await said(options, ["insert", "there"])),
        ...(await said(options, ["remove", "there"])),
      ],
      [
        "the image file was taken, but is stored with 50 of 100 bytes",
        "the command was accepted, but the drive is still empty after 10ms",
        "the image there is still stored after 10ms",
      ],
    );
  });

  test("a file that breaks off at the client leaves no image", async () => {
    const { call } = recordedCall(["upload", "file"]);
    async function* broken() {
      yield Buffer.alloc(100);
      throw new Error("the client's disk failed");
    }
    const requestFile: Call["session"]["requestFile"] = async () =>
      Object.assign(broken(), { attributes: { size: 1000 } });
    const run = runModule(pikvm, media(), { ...call, session: { ...call.session, requestFile } }, host);
    await assert.rejects(run, new Error("the client's disk failed"));
    assert.deepEqual(kvm.state.images, {});
  });

  test("a PiKVM that is unplugged during an upload is said to be gone", async () => {
    kvm.be({ unplugged: true });
    assert.deepEqual(await said(media(), ["upload", "file"], { files: { file: Buffer.alloc(3_000_000) } }), [
      `POST ${kvm.host}/api/msd/write: it closed the connection before it had answered`,
    ]);
  });

  test("64 MB arrive whole, and are reported by the megabyte", async () => {
    const piece = Buffer.alloc(64 * 1024);
    const size = 1024 * piece.length;
    const { call, transcript } = recordedCall(["upload", "file"]);
    async function* large() {
      for (let sent = 0; sent < size; sent += piece.length) {
        yield piece;
      }
    }
    const requestFile: Call["session"]["requestFile"] = async () => Object.assign(large(), { attributes: { size } });
    await runModule(pikvm, media(), { ...call, session: { ...call.session, requestFile } }, host);
    const reports = transcript.filter((utterance: Utterance) => "progress" in utterance).length;
    assert.deepEqual([kvm.state.images.file, reports], [{ size, complete: true }, 64]);
  });

  test("an image that the PiKVM fetches is followed, and its failure told", async () => {
    const { transcript } = await ran(media(), ["fetch", "http://server/debian.iso"]);
    kvm.be({ brokenSource: true });
    assert.deepEqual(
      [
        ...transcript.map((utterance) => ("progress" in utterance ? utterance.progress.done : utterance)),
        ...(await said(media(), ["fetch", "http://server/other.iso", "mine.iso"])),
        ...(await said(media(), ["fetch", "http://server/x", "debian.iso"])),
      ],
      [
        0,
        1_500_000,
        3_000_000,
        { print: "Stored debian.iso: 3000000 bytes\n" },
        "POST /api/msd/write_remote: Response payload is not completed",
        "the PiKVM has an image debian.iso already (remove it first, or give another name)",
      ],
    );
  });

  test("a screenshot is given to the client as a file", async () => {
    const { transcript } = await ran({ ...good(), mode: "screenshot" }, ["boot.jpg"]);
    kvm.be({ screen: false });
    assert.deepEqual(
      [...transcript, ...(await said(good(), ["screenshot"]))],
      [
        { sent: "boot.jpg", content: picture.toString() },
        { print: "Screenshot boot.jpg: 7 bytes\n" },
        "GET /api/streamer/snapshot: status 503: Service Unavailable (is the device on, and its video cable plugged in? some PiKVMs make pictures only while somebody watches)",
      ],
    );
  });

  test("a wrong password is told without it, and a one-time code follows it where one is wanted", async () => {
    const totp = "GEZDGNBVGY3TQOJQ";
    const wrong = await said({ ...power(), password: "hush hush" }, ["status"]);
    const now = Date.now();
    kvm.be({ codes: [0, 30_000, 60_000].map((later) => oneTimeCode(parseSecret(totp), now + later)) });
    const hint = "(check the options user and password, and totp if two-factor authentication is on)";
    assert.deepEqual(
      [...wrong, ...(await said(power(), ["status"])), ...(await said({ ...power(), totp }, ["status"]))],
      [
        `GET /api/atx: status 403: Forbidden ${hint}`,
        `GET /api/atx: status 403: Forbidden ${hint}`,
        "Device power status: Off\n",
      ],
    );
  });

  test("the PiKVM is trusted by its authority, and not without", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "pikvm-"));
    const ca = join(directory.path, "ca.pem");
    await writeFile(ca, kvm.ca);
    const { insecure: _, ...bare } = power();
    const refused = await said(bare, ["status"]);
    assert.deepEqual(
      [await said({ ...bare, ca }, ["status"]), refused.map((text) => /certificate of .* is not accepted/.test(text))],
      [["Device power status: Off\n"], [true]],
    );
  });
});

test("what is no PiKVM is said to be none", async () => {
  const answers = ["<html>", "[]", '{"ok":true,"result":{"enabled":true}}'];
  await using server = await httpServer((_, response) => response.end(answers.shift()));
  const options = { host: server.url, insecure: true, mode: "power" };
  assert.deepEqual(
    [...(await said(options, ["status"])), ...(await said(options, ["status"])), ...(await said(options, ["status"]))],
    [
      "GET /api/atx: the answer is not JSON (is this the address of a PiKVM?)",
      "GET /api/atx: the answer is not what the API says (: Invalid input: expected object, received undefined)",
      "GET /api/atx: the answer is not what the API says (leds: Invalid input: expected object, received undefined)",
    ],
  );
});

test("a PiKVM that never answers is given up after the timeout", async () => {
  await using server = await httpServer(() => {});
  const options = { host: server.url, insecure: true, timeout: "50ms" };
  assert.deepEqual(await said(options, ["power", "on"]), [
    `GET ${server.url}/api/atx: it was not done within 50 ms (is the device busy or stuck?)`,
  ]);
});

test("arguments that cannot be right fail with what is available", async () => {
  const words = [
    [],
    ["pwoer"],
    ["power"],
    ["power", "on", "now"],
    ["keyboard", "type"],
    ["media", "insert", "a", "-rw"],
    ["media", "fetch", "a.iso"],
  ];
  const available = "(Available commands: on, off, force-off, reset, status, click power|power-long|reset)";
  assert.deepEqual((await Promise.all(words.map((args) => said({ host: "kvm" }, args)))).flat(), [
    "no mode specified (Available modes: power, keyboard, media, screenshot)",
    'unknown mode "pwoer" (Available modes: power, keyboard, media, screenshot)',
    `power: no command specified ${available}`,
    `power: cannot understand "on now" ${available}`,
    'keyboard: cannot understand "type" (Available commands: type <text>, key <combination>…)',
    "a CD-ROM cannot be written (add -usb)",
    "fetch takes an URL of http or https (the PiKVM fetches it itself, such as http://10.0.0.2/debian.iso)",
  ]);
});

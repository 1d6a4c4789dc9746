import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import { httpServer } from "#test/support/http-server.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { openRedfishBmc } from "#test/support/redfish-bmc.ts";
import { runModule } from "#test/support/run-module.ts";
import { redfish } from "./redfish.ts";

const host = nodeHost();

/** What it printed, and then the error if it failed. */
async function said(options: object, args: readonly string[], signal?: AbortSignal) {
  const { call, transcript } = recordedCall(args, signal === undefined ? {} : { signal });
  const error = await runModule(redfish, options, call, host).then(() => undefined, explain);
  return [...transcript.map((utterance) => Object.values(utterance).join()), ...(error === undefined ? [] : [error])];
}

suite("with a Redfish service", () => {
  let bmc: Awaited<ReturnType<typeof openRedfishBmc>>;
  before(async () => {
    bmc = await openRedfishBmc();
  });
  after(() => bmc[Symbol.asyncDispose]());
  beforeEach(() => {
    bmc.be({});
    bmc.state.power = "Off";
    bmc.state.boot = { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: "None" };
    Object.assign(bmc.state.media, { Cd1: { Image: null, Inserted: false }, Usb1: { Image: null, Inserted: false } });
    bmc.state.changes.length = 0;
  });

  const fingerprint = () => new X509Certificate(bmc.cert).fingerprint256;
  const good = () => ({ host: bmc.host, user: bmc.user, password: bmc.password, fingerprint: fingerprint() });
  const reset = "POST /redfish/v1/Systems/1/Actions/ComputerSystem.Reset";

  test("commands in any case switch the power, what became of it is read back, and no session is left", async () => {
    const told: Record<string, readonly string[]> = {};
    for (const word of ["status", "ON", "On", "reset", "nmi", "off", "Off"]) {
      told[word] = await said(good(), [word]);
    }
    bmc.state.power = "On";
    told.soft = await said(good(), ["soft"]);
    assert.deepEqual(
      { told, changes: bmc.state.changes, sessions: bmc.state.tokens.size },
      {
        told: {
          status: ["Device power status: Off\n"],
          ON: ["Power ON command sent\n", "Device power status: On\n"],
          On: ["Device power status: On\n"],
          reset: [
            "Power RESET command sent\n",
            "What a reset does is not in the power status\n",
            "Device power status: On\n",
          ],
          nmi: [
            "Power NMI command sent\n",
            "What a NMI does is not in the power status\n",
            "Device power status: On\n",
          ],
          off: ["Power OFF command sent\n", "Device power status: Off\n"],
          Off: ["Device power status: Off\n"],
          soft: ["Power SOFT command sent\n", "Device power status: Off\n"],
        },
        changes: ["On", "ForceRestart", "Nmi", "ForceOff", "GracefulShutdown"].map(
          (type) => `${reset} {"ResetType":"${type}"}`,
        ),
        sessions: 0,
      },
    );
  });

  test("a cycle is one command where there is one, and off and on where there is none", async () => {
    bmc.state.power = "On";
    const unseen = await said({ ...good(), confirm: "10ms" }, ["cycle"]);
    bmc.be({ resetTypes: ["On", "ForceOff"], actionInfo: true });
    const apart = await said(good(), ["cycle"]);
    assert.deepEqual(
      { unseen, apart, changes: bmc.state.changes },
      {
        unseen: [
          "Power CYCLE command sent\n",
          "The service did not show the power off in between\n",
          "Device power status: On\n",
        ],
        apart: ["Power OFF command sent\n", "Power ON command sent\n", "Device power status: On\n"],
        changes: ["PowerCycle", "ForceOff", "On"].map((type) => `${reset} {"ResetType":"${type}"}`),
      },
    );
  });

  test("a cycle of two commands that is ended in between switches on again", async () => {
    bmc.state.power = "On";
    bmc.be({ resetTypes: ["On", "ForceOff"] });
    const stop = new AbortController();
    const { call, transcript } = recordedCall(["cycle"], { signal: stop.signal });
    const print = async (text: string) => {
      await call.session.print(text);
      stop.abort(new Error("the client left"));
    };
    const run = runModule(redfish, good(), { ...call, session: { ...call.session, print } }, host);
    await assert.rejects(run, /the client left/);
    assert.deepEqual(
      { power: bmc.state.power, transcript, sessions: bmc.state.tokens.size },
      { power: "On", transcript: [{ print: "Power OFF command sent\n" }], sessions: 0 },
    );
  });

  test("what the service does not offer is not sent", async () => {
    bmc.be({ resetTypes: ["On", "ForceOff"] });
    assert.deepEqual(await said(good(), ["nmi"]), [
      "the service does not offer Nmi for this system (it offers On, ForceOff)",
    ]);
    assert.deepEqual(await said(good(), ["boot", "usb"]), [
      "the system 1 does not offer Usb to boot (it offers None, Pxe, Hdd, Cd, BiosSetup)",
    ]);
    assert.deepEqual(bmc.state.changes, []);
  });

  test("a service that says yes and stays as it is fails the command", async () => {
    bmc.be({ deaf: true });
    const options = { ...good(), confirm: "10ms" };
    assert.deepEqual(
      [
        ...(await said(options, ["on"])),
        ...(await said(options, ["boot", "pxe"])),
        ...(await said(options, ["insert", "http://server/a.iso"])),
      ],
      [
        "Power ON command sent\n",
        "the command was accepted, but the power is still off after 10ms (if the device is only slow, allow it more time in the options)",
        "the change was accepted, but the boot source override is still Disabled after 10ms",
        "the change was accepted, but nothing is inserted after 10ms (can the service reach the server of the image?)",
      ],
    );
  });

  test("a boot source is set once or from now on, and taken back", async () => {
    const path = "PATCH /redfish/v1/Systems/1";
    assert.deepEqual(
      {
        once: await said(good(), ["boot", "PXE"]),
        persistent: await said(good(), ["boot", "-persistent", "disk"]),
        none: await said(good(), ["boot", "none"]),
        changes: bmc.state.changes,
      },
      {
        once: ["Boot source override: Pxe, Once\n"],
        persistent: ["Boot source override: Hdd, Continuous\n"],
        none: ["Boot source override: Disabled\n"],
        changes: [
          `${path} {"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}`,
          `${path} {"Boot":{"BootSourceOverrideEnabled":"Continuous","BootSourceOverrideTarget":"Hdd"}}`,
          `${path} {"Boot":{"BootSourceOverrideEnabled":"Disabled","BootSourceOverrideTarget":"None"}}`,
        ],
      },
    );
  });

  test("a system that somebody else changes meanwhile is read again, but not for ever", async () => {
    bmc.be({ meddlers: 2 });
    assert.deepEqual(await said(good(), ["boot", "cd"]), ["Boot source override: Cd, Once\n"]);
    bmc.be({ meddlers: 3 });
    assert.deepEqual(await said(good(), ["boot", "pxe"]), [
      "PATCH /redfish/v1/Systems/1: status 412: The ETag does not match. (somebody else has changed it meanwhile: try again)",
    ]);
    assert.equal(bmc.state.boot.BootSourceOverrideTarget, "Cd");
  });

  for (const oldMedia of [false, true]) {
    test(`images are inserted where they suit and ejected, ${oldMedia ? "by PATCH at the manager" : "by actions"}`, async () => {
      bmc.be({ oldMedia });
      assert.deepEqual(
        {
          nothing: await said(good(), ["eject"]),
          iso: await said(good(), ["insert", "https://me:p%20w@locked/debian.iso"]),
          img: await said(good(), ["insert", "nfs://server/disk.img"]),
          full: await said(good(), ["insert", "http://server/other.iso"]),
          eject: await said(good(), ["eject"]),
          left: bmc.state.media,
        },
        {
          nothing: ["Nothing is inserted\n"],
          iso: ["Cd1: https://locked/debian.iso is inserted\n"],
          img: ["Usb1: nfs://server/disk.img is inserted\n"],
          full: ["Cd1: an image is inserted (eject it first)"],
          eject: ["Cd1: ejected https://locked/debian.iso\n", "Usb1: ejected nfs://server/disk.img\n"],
          left: { Cd1: { Image: null, Inserted: false }, Usb1: { Image: null, Inserted: false } },
        },
      );
    });
  }

  test("the option media names the one to use", async () => {
    assert.deepEqual(await said({ ...good(), media: "Usb1" }, ["insert", "http://server/debian.iso"]), [
      "Usb1: http://server/debian.iso is inserted\n",
    ]);
    assert.deepEqual(await said({ ...good(), media: "Cd9" }, ["eject"]), [
      'the service has no virtual media "Cd9" (set the option media to one of Cd1, Usb1)',
    ]);
  });

  test("a task is followed to its end, and its failure is told", async () => {
    bmc.be({ taskPolls: 2 });
    assert.deepEqual(await said(good(), ["on"]), ["Power ON command sent\n", "Device power status: On\n"]);
    bmc.be({ taskPolls: 1, taskFails: "The power supply is missing." });
    bmc.state.power = "Off";
    assert.deepEqual(await said(good(), ["on"]), [
      `${reset}: the task ended as Exception: The power supply is missing.`,
    ]);
    bmc.be({ taskPolls: 1000 });
    assert.deepEqual(await said({ ...good(), confirm: "250ms" }, ["insert", "http://server/a.iso"]), [
      "POST /redfish/v1/Systems/1/VirtualMedia/Cd1/Actions/VirtualMedia.InsertMedia: the task is not done after 250ms (it may still come to its end: ask for the status, or allow more time with the option confirm)",
    ]);
  });

  test("a service with several systems needs the id of one", async () => {
    bmc.be({ systems: ["blade1", "blade2"] });
    assert.deepEqual(
      [
        ...(await said(good(), ["status"])),
        ...(await said({ ...good(), system: "blade3" }, ["status"])),
        ...(await said({ ...good(), system: "blade2" }, ["status"])),
      ],
      [
        "the service has 2 systems (set the option system to one of blade1, blade2)",
        'the service has no system "blade3" (set the option system to one of blade1, blade2)',
        "Device power status: Off\n",
      ],
    );
  });

  test("what is known of the system is told, and what is not is left out", async () => {
    assert.deepEqual(await said(good(), ["info"]), [
      `System: 1
Manufacturer: Contoso
Model: 3500
BIOS: P79 v1.45
Power: Off
Health: OK
Processors: 2
Memory (GiB): 96
Boot source override: Disabled
Boot sources: None, Pxe, Hdd, Cd, BiosSetup
Reset types: On, ForceOff, GracefulShutdown, PowerCycle, ForceRestart, Nmi
Media Cd1: empty
Media Usb1: empty
`,
    ]);
  });

  test("the service is trusted by its authority, its fingerprint or blindly, and not otherwise", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "redfish-"));
    const ca = join(directory.path, "ca.pem");
    await writeFile(ca, bmc.ca);
    const { fingerprint: _, ...bare } = good();
    const status = ["Device power status: Off\n"];
    assert.deepEqual(
      [
        await said({ ...bare, ca }, ["status"]),
        await said({ ...bare, insecure: true }, ["status"]),
        await said({ ...bare, insecure: true, auth: "basic" }, ["status"]),
        (await said(bare, ["status"])).map((text) => text.includes(fingerprint())),
        (await said({ ...bare, fingerprint: "00".repeat(32) }, ["status"])).map((text) => /not accepted/.test(text)),
        await said({ ...bare, ca: join(directory.path, "none") }, ["status"]),
      ],
      [
        status,
        status,
        status,
        [true],
        [true],
        [`there is no file ${join(directory.path, "none")} on the agent (check the option ca)`],
      ],
    );
  });

  test("a wrong password is told in the service's words, and is not in them", async () => {
    const wrong = { ...good(), password: "hush hush" };
    assert.deepEqual(
      [...(await said(wrong, ["status"])), ...(await said({ ...wrong, auth: "basic" }, ["status"]))],
      [
        "POST /redfish/v1/SessionService/Sessions: status 401: Invalid username or password. (check the options user and password)",
        "GET /redfish/v1/Systems: status 401: There is no valid session. (check the options user and password)",
      ],
    );
  });

  test("a link to another server is not followed, for it would hand over the session", async () => {
    bmc.be({ strayLink: "https://127.0.0.1:9/redfish/v1/Systems" });
    assert.deepEqual(await said(good(), ["status"]), [
      "the service points to https://127.0.0.1:9/redfish/v1/Systems, which is another server",
    ]);
  });

  test("a run that is cancelled while it waits ends with its reason and gives its session back", async () => {
    bmc.be({ deaf: true });
    const ending = new AbortController();
    const { call } = recordedCall(["on"], { signal: ending.signal });
    const print = async () => ending.abort(new Error("client gone"));
    const run = runModule(redfish, good(), { ...call, session: { ...call.session, print } }, host);
    await assert.rejects(run, new Error("client gone"));
    assert.equal(bmc.state.tokens.size, 0);
  });
});

test("a server that speaks no Redfish, or none that is understood, is said to be one", async () => {
  const answers = ["<html>", "{}", '{"Systems":{"@odata.id":7}}'];
  await using server = await httpServer((_, response) => response.end(answers.shift()));
  const options = { host: server.url, insecure: true, user: "a", password: "b", auth: "basic" };
  assert.deepEqual(
    [...(await said(options, ["status"])), ...(await said(options, ["status"])), ...(await said(options, ["status"]))],
    [
      "GET /redfish/v1/: the answer is not JSON (is this the address of a Redfish service?)",
      "the service has no systems",
      "GET /redfish/v1/: the answer is not what the schema says (Systems.@odata.id: Invalid input: expected string, received number)",
    ],
  );
});

test("a service that goes away in the middle of a run is named, with what was asked of it", async () => {
  await using server = await httpServer((_request, response) => response.destroy());
  const options = { host: server.url, insecure: true, user: "a", password: "b" };
  assert.deepEqual(await said(options, ["on"]), [
    `GET ${server.url}/redfish/v1/: it closed the connection before it had answered`,
  ]);
});

test("a service that never answers is given up after the timeout", async () => {
  await using server = await httpServer(() => {});
  const options = { host: server.url, insecure: true, user: "a", password: "b", timeout: "50ms" };
  assert.deepEqual(await said(options, ["on"]), [
    `GET ${server.url}/redfish/v1/: it was not done within 50 ms (is the device busy or stuck?)`,
  ]);
});

test("arguments that cannot be right fail with what is available", async () => {
  const options = { host: "bmc", user: "a", password: "b" };
  const available = "Available commands: on, off, soft, cycle, reset, nmi, status, info, boot, insert, eject";
  const boot = "use boot pxe|disk|cd|usb|bios|none [-persistent]";
  const image = "the service fetches it itself, such as http://10.0.0.2/debian.iso or nfs://10.0.0.2/images/debian.iso";
  const words = [
    [],
    ["onn"],
    ["on", "now"],
    ["boot"],
    ["boot", "toString"],
    ["boot", "none", "-persistent"],
    ["insert", "a.iso"],
    ["insert", "http://lab:50%@10.0.0.2/a.iso"],
  ];
  assert.deepEqual((await Promise.all(words.map((args) => said(options, args)))).flat(), [
    `no command specified (${available})`,
    `unknown command "onn" (${available})`,
    'on takes no arguments but got "now"',
    `boot takes one source but got "" (${boot})`,
    `boot takes one source but got "toString" (${boot})`,
    `boot none takes no -persistent (${boot})`,
    `insert takes the URL of one image (${image})`,
    "the credentials in the URL of the image are badly written (write a percent sign there as %25)",
  ]);
});

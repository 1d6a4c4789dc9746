import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeHttp } from "#pkg/host/node-http.ts";
import { powerStrip } from "#test/support/power-strip/strip.ts";
import { tasmotaStrip } from "#test/support/power-strip/tasmota.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { wifisocket } from "./wifisocket.ts";

/** What the user reads, then the error if there is one. */
async function run(args: readonly string[], options: object) {
  const { call, transcript } = recordedCall(args);
  const error = await runModule(wifisocket, options, call, { http: nodeHttp() }).then(
    () => [],
    ({ code, message }) => [`${code}: ${message}`],
  );
  return [...transcript.map((said) => ("print" in said ? said.print : said)), ...error];
}

test("a socket with one channel is switched with the requests and the words of the Go module", async () => {
  await using socket = await powerStrip(tasmotaStrip(), 1);
  const options = { host: `${socket.url.replace("http://", "")}/`, channel: 0, user: "admin", password: "" };
  assert.deepEqual(
    [
      await run(["ON"], options),
      await run(["status"], options),
      await run(["toggle"], options),
      await run(["cycle", "0s"], options),
      socket.requests.slice(0, 3),
      socket.switched,
    ],
    [
      ["WiFi socket channel 1 set to 'on'\n"],
      ["WiFi socket channel 1 state: on\n"],
      ["WiFi socket channel 1 set to 'off'\n"],
      ["WiFi socket channel 1 set to 'off'\n", "WiFi socket channel 1 set to 'on'\n"],
      ["GET /cm?cmnd=Power+ON", "GET /cm?cmnd=Power", "GET /cm?cmnd=Power"],
      ["0 on", "0 off", "0 off", "0 on"],
    ],
  );
});

test("another channel is named by its number, and the password is told to who has one", async () => {
  await using socket = await powerStrip(tasmotaStrip("admin", "secret"), 4);
  const options = { host: socket.url, user: "admin", password: "secret", channel: 3 };
  assert.deepEqual(
    [await run(["on"], options), await run(["on"], { host: socket.url }), socket.levels, socket.requests[0]],
    [
      ["WiFi socket channel 3 set to 'on'\n"],
      ["unauthenticated: the device wants a user and a password"],
      ["off", "off", "on", "off"],
      "GET /cm?user=admin&password=secret&cmnd=Power3+ON",
    ],
  );
});

test("an answer that tells no state is an error, and nothing is said to be set", async () => {
  await using empty = await powerStrip(() => ({ body: "" }));
  await using broken = await powerStrip(() => ({ body: "<html>" }));
  await using other = await powerStrip(() => ({ body: '{"POWER2":"ON"}' }));
  await using single = await powerStrip(() => ({ body: '{"POWER":"ON"}' }));
  await using busy = await powerStrip(() => ({ status: 500, body: "no" }));
  assert.deepEqual(
    [
      await run(["on"], { host: empty.url }),
      await run(["toggle"], { host: broken.url }),
      await run(["off"], { host: other.url }),
      await run(["status"], { host: other.url, channel: 3 }),
      await run(["status"], { host: single.url, channel: 2 }),
      await run(["on"], { host: busy.url }),
    ],
    [
      ["data_loss: empty response"],
      ["data_loss: could not read the state of WiFi socket channel 1 to toggle it: invalid JSON response: <html>"],
      ['data_loss: unexpected device response: {"POWER2":"ON"}'],
      ['data_loss: unexpected device response: {"POWER2":"ON"}'],
      ['data_loss: unexpected device response: {"POWER":"ON"}'],
      ["unavailable: WiFi socket request failed with status 500: no"],
    ],
  );
});

test("a socket that says yes and does nothing is an error", async () => {
  await using socket = await powerStrip(tasmotaStrip(), 1);
  socket.lies = true;
  assert.deepEqual(await run(["on"], { host: socket.url, confirm: "0s" }), [
    "unavailable: WiFi socket channel 1 does not turn on: its unit took the command and reports off after 0s",
  ]);
});

test("a missing and an unknown command are failures, and a missing host a problem of the configuration", async () => {
  const available = "available commands: on, off, toggle, cycle, status";
  assert.deepEqual(
    [await run([], { host: "socket" }), await run(["reset"], { host: "socket" })],
    [
      [`invalid_argument: no command specified, ${available}`],
      [`invalid_argument: unknown command "reset", ${available}`],
    ],
  );
  assert.throws(() => wifisocket.configure({}), /wifisocket: host must be configured/);
  assert.throws(() => wifisocket.configure({ host: "" }), /wifisocket: host must be configured/);
  assert.throws(() => wifisocket.configure({ host: "a b" }), /must be an address/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeHttp } from "#pkg/host/node-http.ts";
import { gudeStrip } from "#test/support/power-strip/gude.ts";
import { intellinetStrip } from "#test/support/power-strip/intellinet.ts";
import { netioStrip } from "#test/support/power-strip/netio.ts";
import { shelly1Strip, shelly2Strip } from "#test/support/power-strip/shelly.ts";
import { powerStrip, type StripDialect, withBasic } from "#test/support/power-strip/strip.ts";
import { tasmotaStrip } from "#test/support/power-strip/tasmota.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { pdu } from "./pdu.ts";

interface Case {
  readonly unit: string;
  readonly strip: StripDialect;
  readonly options: object;
  /** What `on` asks the unit for. */
  readonly asksForOn: readonly string[];
}

const user = "admin";
const password = "secret";

const cases: readonly Case[] = [
  {
    unit: "an Intellinet",
    strip: withBasic(user, password, intellinetStrip),
    options: {},
    asksForOn: ["GET /control_outlet.htm?op=0&outlet1=1", "GET /status.xml"],
  },
  {
    unit: "a Gude",
    strip: withBasic(user, password, gudeStrip),
    options: { vendor: "gude" },
    asksForOn: ["GET /ov.html?cmd=1&p=2&s=1", "GET /statusjsn.js?components=1"],
  },
  {
    unit: "a NETIO",
    strip: withBasic(user, password, netioStrip),
    options: { vendor: "netio" },
    asksForOn: ["POST /netio.json", "GET /netio.json"],
  },
  {
    unit: "a Shelly of the first generation",
    strip: shelly1Strip(user, password),
    options: { vendor: "shelly" },
    asksForOn: ["GET /shelly", "GET /relay/1?turn=on", "GET /relay/1"],
  },
  {
    unit: "a Shelly of the second generation",
    strip: shelly2Strip(password),
    options: { vendor: "shelly" },
    asksForOn: [
      "GET /shelly",
      "GET /rpc/Switch.Set?id=1&on=true",
      "GET /rpc/Switch.Set?id=1&on=true",
      "GET /rpc/Switch.GetStatus?id=1",
      "GET /rpc/Switch.GetStatus?id=1",
    ],
  },
  {
    unit: "a Shelly whose generation is configured",
    strip: shelly1Strip(user, password),
    options: { vendor: "shelly", generation: 1 },
    asksForOn: ["GET /relay/1?turn=on", "GET /relay/1"],
  },
  {
    unit: "a Tasmota",
    strip: tasmotaStrip(user, password),
    options: { vendor: "tasmota" },
    asksForOn: ["GET /cm?user=admin&password=secret&cmnd=Power2+ON", "GET /cm?user=admin&password=secret&cmnd=Power2"],
  },
  {
    unit: "a Delock, which is a Tasmota",
    strip: withBasic(user, password, tasmotaStrip(user, password)),
    options: { vendor: "delock" },
    asksForOn: ["GET /cm?user=admin&password=secret&cmnd=Power2+ON", "GET /cm?user=admin&password=secret&cmnd=Power2"],
  },
];

/** What the user reads, or the error. */
async function run(args: readonly string[], options: object) {
  const { call, transcript } = recordedCall(args);
  const error = await runModule(pdu, options, call, { http: nodeHttp() }).then(
    () => [],
    ({ code, message }) => [{ code, message }],
  );
  return [...transcript.map((said) => ("print" in said ? said.print : said)), ...error];
}

for (const { unit, strip, options, asksForOn } of cases) {
  test(`${unit} is switched on, off and over, power cycled and asked`, async () => {
    await using server = await powerStrip(strip);
    const given = { host: server.url, user, password, outlet: 1, ...options };
    const on = await run(["on"], given);
    assert.deepEqual([on, server.requests], [["PDU outlet 1 powered on\n"], asksForOn]);
    assert.deepEqual(
      [
        await run(["status"], given),
        await run(["Toggle"], given),
        await run(["STATUS"], given),
        await run(["cycle", "0s"], given),
        await run(["off"], given),
        server.switched,
        server.levels,
      ],
      [
        ["PDU outlet 1 state: on\n"],
        ["PDU outlet 1 powered off\n"],
        ["PDU outlet 1 state: off\n"],
        ["PDU outlet 1 powered off\n", "PDU outlet 1 powered on\n"],
        ["PDU outlet 1 powered off\n"],
        ["1 on", "1 off", "1 off", "1 on", "1 off"],
        ["off", "off", "off"],
      ],
    );
  });

  test(`${unit} that knows another password is an error without the password`, async () => {
    await using server = await powerStrip(strip);
    const given = { host: server.url, user, password: "wrong one", outlet: 1, ...options };
    const [error, ...more] = await run(["on"], given);
    assert.deepEqual(
      [(error as { code: string }).code, /wrong.one/.test(JSON.stringify(error)), more, server.switched],
      ["unauthenticated", false, [], []],
    );
  });

  test(`${unit} without such an outlet is an error`, async () => {
    await using server = await powerStrip(strip);
    const [error] = await run(["status"], { host: server.url, user, password, outlet: 7, ...options });
    assert.match(JSON.stringify(error), /"message":".*(not found|status 404|unexpected device response)/);
  });
}

test("answers that say nothing of the outlet are errors, and never a state", async () => {
  const answers: Readonly<Record<string, string>> = {
    intellinet: "<outletStat0>maybe</outletStat0>",
    gude: '{"outputs":[{"state":2}]}',
    netio: '{"Outputs":[{"ID":1,"State":"on"}]}',
    shelly: '{"ison":"yes","gen":1,"type":"SHSW-1"}',
    tasmota: '{"POWER":"ON',
    delock: "",
  };
  const seen: unknown[] = [];
  for (const [vendor, body] of Object.entries(answers)) {
    await using server = await powerStrip(() => ({ body }));
    seen.push(...(await run(["status"], { vendor, host: server.url })));
  }
  await using cut = await powerStrip(() => ({ body: "<outletStat0>on" }));
  await using none = await powerStrip(() => ({ body: "{}" }));
  seen.push(
    ...(await run(["status"], { host: cut.url })),
    ...(await run(["status"], { vendor: "gude", host: none.url })),
  );
  const lost = (message: string) => ({ code: "data_loss", message });
  assert.deepEqual(seen, [
    lost('unexpected outlet state "maybe" for outlet 0'),
    lost("invalid Gude outlet state: 2"),
    lost('unexpected device response: {"Outputs":[{"ID":1,"State":"on"}]}'),
    lost('unexpected device response: {"ison":"yes","gen":1,"type":"SHSW-1"}'),
    lost('invalid JSON response: {"POWER":"ON'),
    lost("empty response"),
    lost("malformed XML for outlet 0"),
    lost("no outputs found in PDU status response"),
  ]);
});

test("a unit that leads to its first page after a command is followed there with the credentials", async () => {
  const dialect = withBasic(user, password, (asked, outlets) => {
    if (asked.path === "/") {
      return { body: "welcome" };
    }
    const answered = intellinetStrip(asked, outlets);
    return asked.path === "/status.xml" ? answered : { status: 302, headers: { location: "/" }, body: "" };
  });
  await using server = await powerStrip(dialect);
  assert.deepEqual(await run(["on"], { host: server.url, user, password }), ["PDU outlet 0 powered on\n"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { nodeHttp } from "#pkg/host/node-http.ts";
import { type Log, silentLog } from "#pkg/log/log.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { intellinetStrip } from "#test/support/power-strip/intellinet.ts";
import { type Fault, type PowerStrip, powerStrip } from "#test/support/power-strip/strip.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { pdu } from "./pdu.ts";

const newHost = () => memoryHost({ http: nodeHttp() });

interface Given {
  readonly host?: Host;
  readonly signal?: AbortSignal;
  readonly log?: Log;
  /** Told what the user reads when the user reads it. */
  readonly printed?: (text: string) => void;
  /** The rest are options. */
  readonly [option: string]: unknown;
}

/** What the user reads, then the error if there is one. */
async function run(
  strip: Pick<PowerStrip, "url">,
  args: readonly string[],
  { host = newHost(), signal, log = silentLog, printed = () => {}, ...options }: Given = {},
) {
  const { call } = recordedCall(args, signal === undefined ? {} : { signal });
  const said: unknown[] = [];
  const print = async (text: string) => {
    said.push(text);
    printed(text);
  };
  try {
    const context = { host, log, signal: call.signal };
    await using module = await pdu.configure({ host: strip.url, ...options }).open(context);
    await module.run({ ...call, log, session: { ...call.session, print } });
  } catch (error) {
    said.push(error instanceof DutError ? `${error.code}: ${error.message}` : error);
  }
  return said;
}

function recordingLog() {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (message) => lines.push(`info: ${message}`),
    error: (message) => lines.push(`error: ${message}`),
  };
  return { log, lines };
}

/** What the outlets went through: the unit may be told the same level twice. */
const changes = (switched: readonly string[]) => switched.filter((one, index) => one !== switched[index - 1]);

for (const fault of ["drop", "obey and drop", "busy"] satisfies Fault[]) {
  for (const [command, requests, story] of [
    ["toggle", 3, ["0 on"]],
    ["cycle", 4, ["0 off", "0 on"]],
  ] as const) {
    test(`a unit that answers one request with "${fault}" is asked again, and a ${command} happens once`, async () => {
      for (let at = 0; at < requests; at++) {
        await using strip = await powerStrip(intellinetStrip);
        strip.faults.push(...new Array(at), fault);
        const said = await run(strip, [command], { delay: "0s" });
        assert.deepEqual(
          [said, changes(strip.switched), strip.requests.length],
          [story.map((change) => `PDU outlet 0 powered ${change.slice(2)}\n`), story, requests + 1],
        );
      }
    });
  }
}

test("a unit that stays busy is given up after the third time", async () => {
  await using strip = await powerStrip(intellinetStrip);
  strip.faults.push("busy", "busy", "busy");
  assert.deepEqual(
    [await run(strip, ["on"]), strip.requests.length],
    [["unavailable: PDU request failed with status 503: busy"], 3],
  );
});

test("a unit that says yes and does nothing is an error", async () => {
  await using strip = await powerStrip(intellinetStrip);
  strip.lies = true;
  const still = "its unit took the command and reports off after 300ms";
  assert.deepEqual(
    [await run(strip, ["on"], { confirm: "300ms" }), await run(strip, ["toggle"], { confirm: "300ms" })],
    [
      [`unavailable: PDU outlet 0 does not turn on: ${still}`],
      [`unavailable: PDU outlet 0 does not turn on: ${still}`],
    ],
  );
  assert.deepEqual(await run(strip, ["cycle"], { confirm: "0s", delay: "0s" }), [
    "PDU outlet 0 powered off\n",
    "unavailable: PDU outlet 0 may be off now: PDU outlet 0 does not turn on: its unit took the command and reports off after 0s",
  ]);
});

test("a unit that cannot be read back after it was switched says so", async () => {
  await using strip = await powerStrip((asked, outlets) =>
    asked.path === "/status.xml" ? { body: "<html>rebooting</html>" } : intellinetStrip(asked, outlets),
  );
  assert.deepEqual(await run(strip, ["on"]), [
    "not_found: PDU outlet 0 was told to turn on, but its state could not be read back: outlet 0 not found in PDU status",
  ]);
  assert.deepEqual(await run(strip, ["toggle"]), [
    "not_found: could not read the state of PDU outlet 0 to toggle it: outlet 0 not found in PDU status",
  ]);
});

test("a unit that hangs ends in the time limit, and is not asked again", async () => {
  await using strip = await powerStrip(intellinetStrip);
  strip.faults.push("hang");
  assert.deepEqual(
    [await run(strip, ["off"], { timeout: "50ms" }), strip.requests.length > 1],
    [[`deadline_exceeded: GET ${strip.url}/control_outlet.htm: it was not done within 50 ms`], false],
  );
});

test("requests of all that use one unit are made one after another, while a cycle of one outlet waits", async () => {
  await using strip = await powerStrip(intellinetStrip, 9);
  strip.slow = () => setTimeout(10);
  const host = newHost();
  const outlets = [0, 1, 2, 3, 4, 5, 6, 7];
  const runs = outlets.map((outlet) => run(strip, [outlet % 2 === 0 ? "on" : "toggle"], { host, outlet }));
  const cycled = run(strip, ["cycle"], { host, outlet: 8, delay: "100ms" });
  await Promise.all([...runs, cycled]);
  assert.deepEqual([strip.mostAtOnce, strip.levels], [1, new Array(9).fill("on")]);
});

test("whoever waits for a unit ends at once when its run does, and the next one is not held up", async () => {
  await using strip = await powerStrip(intellinetStrip);
  const host = newHost();
  const switched = Promise.withResolvers<void>();
  strip.slow = () => switched.promise;
  const first = run(strip, ["on"], { host });
  await strip.asked(1);
  const ending = new AbortController();
  const second = run(strip, ["cycle"], { host, outlet: 1, signal: ending.signal });
  const third = run(strip, ["on"], { host, outlet: 2 });
  const reason = new Error("the run is over");
  ending.abort(reason);
  assert.deepEqual(await second, [reason]);
  switched.resolve();
  assert.deepEqual(
    [await first, await third, strip.levels],
    [["PDU outlet 0 powered on\n"], ["PDU outlet 2 powered on\n"], ["on", "off", "on"]],
  );
});

test("a run that ends in its request ends at once", async () => {
  await using strip = await powerStrip(intellinetStrip);
  strip.faults.push("hang");
  const ending = new AbortController();
  const running = run(strip, ["on"], { signal: ending.signal });
  await strip.asked(1);
  ending.abort(new Error("the run is over"));
  assert.deepEqual([await running, strip.requests.length], [[new Error("the run is over")], 1]);
});

for (const [when, requests] of [
  ["while it is switched off", 1],
  ["while that is confirmed", 2],
] as const) {
  test(`a cycle that is ended ${when} leaves the outlet on`, async () => {
    await using strip = await powerStrip(intellinetStrip);
    strip.levels[0] = "on";
    strip.faults.push(...new Array(requests - 1), "hang");
    const { log, lines } = recordingLog();
    const ending = new AbortController();
    const running = run(strip, ["cycle", "1h"], { signal: ending.signal, log });
    await strip.asked(requests);
    const reason = new Error("the run is over");
    ending.abort(reason);
    assert.deepEqual(
      [await running, strip.levels[0], lines],
      [[reason], "on", ["info: PDU outlet 0 is on again after a cycle that was ended early"]],
    );
  });
}

test("a cycle that is ended in its pause leaves the outlet on", async () => {
  await using strip = await powerStrip(intellinetStrip);
  const { log, lines } = recordingLog();
  const ending = new AbortController();
  const reason = new Error("the run is over");
  const printed = () => void setImmediate(() => ending.abort(reason));
  assert.deepEqual(
    [await run(strip, ["cycle", "1h"], { signal: ending.signal, log, printed }), strip.levels[0], lines],
    [
      ["PDU outlet 0 powered off\n", reason],
      "on",
      ["info: PDU outlet 0 is on again after a cycle that was ended early"],
    ],
  );
});

test("a cycle that is ended while its unit is gone says in the log that the outlet may be off", async () => {
  const strip = await powerStrip(intellinetStrip);
  const { log, lines } = recordingLog();
  const ending = new AbortController();
  const reason = new Error("the run is over");
  const printed = async () => {
    await strip[Symbol.asyncDispose]();
    ending.abort(reason);
  };
  assert.deepEqual(await run(strip, ["cycle", "1h"], { signal: ending.signal, log, printed }), [
    "PDU outlet 0 powered off\n",
    reason,
  ]);
  assert.deepEqual(lines, [
    `error: PDU outlet 0 may be off, a cycle was ended early: GET ${strip.url}/control_outlet.htm: it refused the connection (is the port right, and does the device have this service switched on?)`,
  ]);
});

test("a missing, an unknown and a talkative command are refused before the unit is asked", async () => {
  await using strip = await powerStrip(intellinetStrip);
  const available = "available commands: on, off, toggle, cycle, status";
  assert.deepEqual(
    [
      await run(strip, []),
      await run(strip, ["reset"]),
      await run(strip, ["on", "off"]),
      await run(strip, ["cycle", "1s", "2s"]),
      await run(strip, ["cycle", "soon"]),
      await run(strip, ["cycle", "-1s"]),
      strip.requests,
    ],
    [
      [`invalid_argument: no command specified, ${available}`],
      [`invalid_argument: unknown command "reset", ${available}`],
      ["invalid_argument: too many arguments after on"],
      ["invalid_argument: too many arguments after cycle"],
      ['invalid_argument: time: invalid duration "soon"'],
      ["invalid_argument: the duration -1s is negative"],
      [],
    ],
  );
});

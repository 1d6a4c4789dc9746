import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeHttp } from "#pkg/host/node-http.ts";
import { Child } from "#test/support/child.ts";
import { ownPlace } from "#test/support/own-place.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { pdu } from "../pdu.ts";

const skip = spawnSync("pdudaemon", ["--help"]).status === 0 ? false : "needs pdudaemon: apt-get install pdudaemon";

test("a unit behind pdudaemon is switched and power cycled, and its state is said to be unknown", {
  skip,
}, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "pdudaemon-"));
  const switched = join(folder.path, "switched");
  const conf = join(folder.path, "pdudaemon.conf");
  const { host, port } = ownPlace();
  await writeFile(
    conf,
    JSON.stringify({
      daemon: { hostname: host, port, logging_level: "INFO", listener: "http" },
      pdus: {
        "rack 1": {
          driver: "localcmdline",
          cmd_on: `echo '%s on' >> ${switched}`,
          cmd_off: `echo '%s off' >> ${switched}`,
        },
      },
    }),
  );
  await using daemon = new Child(["pdudaemon", "--conf", conf], { cwd: folder.path, env: process.env });
  await daemon.said("stdout", /Listening on/);
  const run = async (args: readonly string[], unit = "rack 1") => {
    const { call, transcript } = recordedCall(args);
    const options = { vendor: "pdudaemon", host: `http://${host}:${port}`, unit, outlet: 4 };
    const error = await runModule(pdu, options, call, { http: nodeHttp() }).then(
      () => [],
      ({ code, message }) => [`${code}: ${message}`],
    );
    return [...transcript.map((said) => ("print" in said ? said.print : said)), ...error];
  };
  assert.deepEqual(
    [
      await run(["on"]),
      await run(["cycle", "0s"]),
      await run(["status"]),
      await run(["toggle"]),
      await run(["on"], "rack 2"),
      await readFile(switched, "utf8"),
    ],
    [
      ["PDU outlet 4 powered on, which its unit cannot confirm\n"],
      [
        "PDU outlet 4 powered off, which its unit cannot confirm\n",
        "PDU outlet 4 powered on, which its unit cannot confirm\n",
      ],
      ["unimplemented: the unit does not tell the state of PDU outlet 4"],
      [
        "unimplemented: could not read the state of PDU outlet 4 to toggle it: the unit does not tell the state of PDU outlet 4",
      ],
      ["unavailable: PDU request failed with status 500: Invalid request"],
      "4 on\n4 off\n4 on\n",
    ],
  );
});

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import type { Child } from "#test/support/child.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";

/** What would be a record of its own, if anything let it out of the field that it is in. */
const forged =
  '\n{"level":"INFO","time":"2026-11-21T00:00:00.000Z","msg":"forged"}\r\n2026/11/21 00:00:00 INFO  forged\x1b[2J';

/** Everything that a user can put into a log, through the server. */
async function forge(lab: Lab, address: string): Promise<void> {
  await writeFile(lab.path(`in${forged.replaceAll("/", "-")}`), "x");
  const name = forged.replaceAll("/", "-");
  for (const words of [
    [`board${forged}`],
    [`board${forged}`, "sh", "true"],
    ["board", `sh${forged}`],
    ["board", "sh", `: '${forged}'`],
    ["board", "sh", `printf '%s' '${forged}' >&2; exit 3`],
    ["-protocol", "v1", "board", "sh", `: '${forged}'`],
    ["-u", `eve${forged}@h`, "board", "sh", "true"],
    ["-u", `eve${forged}@h`, "board", "lock"],
    ["-u", `eve${forged}@h`, "board", "unlock"],
    ["board", "ft", `in${name}`, `out${name}`],
    ["-protocol", "v1", "board", "ft", `in${name}`, `out${name}`],
    ["attach", "board", `run${forged}`],
    [`board${forged}`, "unlock", "force"],
  ]) {
    await lab.dutctl(["-s", address, ...words]);
  }
  using connection = connectTo(parseAddress(address), { identity: `eve${forged}@h` });
  for (const runId of [`run${forged}`, randomUUID()]) {
    async function* requests() {
      yield {
        device: "board",
        msg: { case: "start" as const, value: { runId, command: "sh", args: [": said"], terminal: { type: forged } } },
      };
      yield { msg: { case: "signal" as const, value: { name: forged } } };
      yield { msg: { case: "cancel" as const, value: { reason: forged } } };
    }
    await Array.fromAsync(connection.runs.run(requests())).catch(() => []);
  }
}

const board = { cmds: { sh: shellCommand, ft: { uses: [{ module: "dummy-ft", passthrough: true }] } } };

/** How often each thing was said. */
function counted(lines: readonly string[], what: readonly string[]): readonly number[] {
  return what.map((text) => lines.filter((line) => line.includes(text)).length);
}

test("nothing that a user says makes a record of its own in the logs in JSON, of the agent or the server", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  await forge(lab, server.address);
  await Promise.all([agent.stop(), server.stop()]);
  for (const { stderr } of [agent, server]) {
    const lines = stderr.split("\n").slice(0, -1);
    const odd = lines.filter((line) => {
      const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
      return typeof level !== "string" || typeof msg !== "string" || msg === "forged" || /\p{Cc}/u.test(line);
    });
    assert.deepEqual(odd, []);
  }
  const [started, ended] = counted(agent.stderr.split("\n"), ['"msg":"run started"', '"msg":"run ended"']);
  assert.deepEqual([(started ?? 0) >= 6, started], [true, ended]);
  assert.ok(agent.stderr.includes("forged"), "the agent logs what users say");
});

test("nothing that a user says makes a line of its own in the logs that people read", async (t) => {
  await using lab = await Lab.open(t.signal);
  const listening = async (child: Child) => (await child.said("stderr", /listening.*addr=(\S+)/))[1] ?? "";
  const server = lab.start("dutserver", ["-s", "localhost:0"]);
  const address = await listening(server);
  const config = await lab.configuration({ board });
  const agent = lab.start("dutagent", ["-a", "localhost:0", "-c", config, "-server", address]);
  await agent.said("stderr", / attached/);
  await forge(lab, address);
  await Promise.all([agent.stop(), server.stop()]);
  for (const { stderr } of [agent, server]) {
    const lines = stderr.split("\n").slice(0, -1);
    const odd = lines.filter(
      (line) =>
        !/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d [A-Z]+ +\[\w+\] \P{Cc}+$/u.test(line) ||
        / INFO +forged/.test(line.slice(0, 40)),
    );
    assert.deepEqual(odd, []);
  }
  const [started, ended] = counted(agent.stderr.split("\n"), ["] run started ", "] run ended "]);
  assert.deepEqual([(started ?? 0) >= 6, started], [true, ended]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { metricsOf } from "#test/support/metrics.ts";

const board = { cmds: { sh: shellCommand } };

/** Where a daemon that was started with `-health localhost:0` answers probes. */
async function probesOf(daemon: Daemon): Promise<string> {
  const [, address = ""] = await daemon.said("stderr", /"addr":"([^"]+)","msg":"health listening"/);
  return `http://${address}`;
}

async function ready(probes: string): Promise<readonly [number, string]> {
  const answer = await fetch(`${probes}/readyz`);
  return [answer.status, await answer.text()];
}

test("server and agent count the session between them and a run through both, and say what they do not count", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const client = lab.start("dutctl", ["-s", server.address, "board", "sh", "echo begun; exec sleep 60"]);
  await client.said("stdout", /begun/);
  const counted = await Promise.all(
    [server, agent].map(async (daemon, index) => {
      const metrics = await metricsOf(daemon);
      const name = ["dutserver", "dutagent"][index];
      return ["sessions", "runs"].map((what) => metrics.get(`${name}_${what}`));
    }),
  );
  client.kill("SIGINT");
  const { code } = await client.ended;
  await server.said("stderr", /"msg":"run no longer forwarded"/);
  const after = (await metricsOf(server)).get("dutserver_runs");
  assert.deepEqual(
    [counted, code, after],
    [
      [
        [1, 1],
        [1, 1],
      ],
      130,
      0,
    ],
  );
});

test("a server that stops is not ready any more at its port for probes, with the reason, while a run goes on", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server("-health", "localhost:0");
  const agent = await lab.agent({ board }, "-server", server.address, "-health", "localhost:0");
  const [ofServer, ofAgent] = [await probesOf(server), await probesOf(agent)];
  assert.deepEqual(
    [await ready(ofServer), await ready(ofAgent)],
    [
      [200, "ready\n"],
      [200, "ready\n"],
    ],
  );
  const client = lab.start("dutctl", ["-s", server.address, "board", "sh", "echo begun; exec sleep 60"]);
  await client.said("stdout", /begun/);
  server.kill("SIGTERM");
  await server.said("stderr", /"msg":"shutting down"/);
  const [status, reasons] = await ready(ofServer);
  client.kill("SIGINT");
  await client.ended;
  assert.equal(status, 503);
  assert.match(reasons, /^dutserver at \S+ is shutting down$/m);
});

test("a user has no more runs through a server than -limit says, and is told so", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server("-limit", "runs-per-user=1");
  await lab.agent({ board, other: board }, "-server", server.address);
  const first = lab.start("dutctl", ["-s", server.address, "board", "sh", "echo begun; exec sleep 60"]);
  await first.said("stdout", /begun/);
  const second = await lab.dutctl(["-s", server.address, "other", "sh", "true"]);
  first.kill("SIGINT");
  await first.ended;
  assert.notEqual(second.code, 0);
  assert.match(second.stderr, /has 1 runs here, which is all that a user may have/);
});

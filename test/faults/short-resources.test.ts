import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type ClientHttp2Session, connect } from "node:http2";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { hitsOf, metricsOf } from "#test/support/metrics.ts";
import { openAttackedLab } from "./attacked-lab.ts";
import { openCanary } from "./canary.ts";

const board = { cmds: { sh: shellCommand } };

/** A client that asks once and stays; resolves when it is answered or turned away. */
async function visit({ address }: Daemon): Promise<ClientHttp2Session> {
  const session = connect(`http://${address.replace("localhost", "127.0.0.1")}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": "/dutctl.v1.DeviceService/List",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.end(Buffer.alloc(5));
  await new Promise((resolve) => stream.resume().once("close", resolve));
  return session;
}

const prlimit = ["prlimit", "--nofile=256:256"];
const skip = spawnSync("prlimit", ["--version"]).status === 0 ? false : "needs prlimit: apt-get install util-linux";

test("a server that is short of file descriptors takes no more connections, goes on with its work and recovers", {
  skip,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.startedBy(...prlimit).server("-log", "info");
  const agent = await lab.agent({ other: board }, "-server", server.address, "-log", "info");
  await using canary = openCanary(server, "other", agent);
  await canary.seen(50);
  canary.calm();
  const clients: ClientHttp2Session[] = [];
  for (let count = 0; count < 400; count += 1) {
    clients.push(await visit(server));
  }
  await canary.seen(100);
  const open = clients.filter(({ destroyed }) => !destroyed).length;
  await canary.stop(t);
  t.diagnostic(`${open} of ${clients.length} connections were taken`);
  assert.ok(open > 100 && open < 200, `${open}`);
  const lines = server.stderr.split("\n").filter((line) => line.includes("short of file descriptors"));
  assert.ok(lines.length >= 1 && lines.length <= 4, `${lines.length} lines were logged`);
  for (const client of clients) {
    client.destroy();
  }
  for (;;) {
    const { code } = await lab.dutctl(["-s", server.address, "list"]);
    if (code === 0) {
      break;
    }
  }
  assert.ok((await hitsOf(server, "descriptors")) > 0);
});

for (const name of ["dutserver", "dutagent"] as const) {
  test(`${name} stands still for 300 ms now and then: its metrics tell, and nobody is taken for dead`, async (t) => {
    await using attacked = await openAttackedLab(t.signal, name);
    const { target, server, agent, machine } = attacked;
    await using canary = openCanary(server, "other", agent);
    await canary.seen(10);
    const [begun, shown] = [performance.now(), machine.now()];
    for (let round = 0; round < 10; round += 1) {
      target.kill("SIGSTOP");
      await setTimeout(300);
      target.kill("SIGCONT");
      await canary.seen(3);
    }
    const lag = (await metricsOf(target)).get(`${name}_event_loop_lag_seconds{statistic="max"}`) ?? 0;
    const heldUp = (performance.now() - begun - (machine.now() - shown)) / 1000;
    t.diagnostic(`lag ${lag} s`);
    assert.ok(lag > 0.25 && lag < 2 + heldUp, `${lag} s`);
    await canary.stop(t, 2_000);
    assert.doesNotMatch(server.stderr + agent.stderr, /did not answer a ping|offline|was lost/);
  });
}

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { type Device, DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { upgrade, upgrades } from "#pkg/relay/upgrade.ts";
import { Etcd, etcdIsMissing } from "#test/support/etcd.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { labCertificates } from "#test/support/lab-certificates.ts";

const board = { cmds: { sh: shellCommand } };
const skip = etcdIsMissing ?? false;

/** So many servers with one etcd. */
async function openServers(lab: Lab, etcd: Etcd, count: number): Promise<Daemon[]> {
  const store = `etcd://${etcd.addresses}/test`;
  return Promise.all(Array.from({ length: count }, () => lab.server("-store", store)));
}

/** Resolves when a server shows a device as it should be. */
async function shown({ address }: Daemon, name: string, isRight: (device: Device) => boolean): Promise<Device> {
  using connection = connectTo(parseAddress(address), { identity: undefined });
  for await (const { event } of connection.lab.watch({})) {
    const devices = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    const found = devices.find((device) => device.name === name && isRight(device));
    if (found !== undefined) {
      return found;
    }
  }
  throw new Error(`the watch of ${name} ended`);
}

/** A line of the shell that says `begun`, and goes on with what is in a file once that is there. */
function untilThere(file: string): string {
  return `echo begun; until [ -s ${file} ]; do sleep 0.05; done; cat ${file}`;
}

const isFree = ({ state }: Device) => state === DeviceState.FREE;

test("three servers with one etcd are one lab: any shows, runs and locks what is at any", { skip }, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const servers = await openServers(lab, etcd, 3);
  await Promise.all(
    servers.map(({ address }, index) => lab.agent({ [`board-${index}`]: board }, "-a", "none", "-server", address)),
  );
  for (const server of servers) {
    await Promise.all(servers.map((_, index) => shown(server, `board-${index}`, isFree)));
    const outputs = await Promise.all(
      servers.map((_, index) => lab.dutctl(["-s", server.address, `board-${index}`, "sh", `echo at ${index}`])),
    );
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout),
      servers.map((_, index) => `at ${index}\n`),
    );
  }
  const [first, , last] = servers as [Daemon, Daemon, Daemon];
  await lab.dutctl(["-s", first.address, "-u", "alice@h", "board-2", "lock", "5m"]);
  const { lock } = await shown(last, "board-2", (device) => device.lock !== undefined);
  const refused = await lab.dutctl(["-s", last.address, "-u", "bob@h", "board-2", "sh", "true"]);
  assert.deepEqual([lock?.owner, refused.code], ["alice@h", 123]);
});

test("a server that is killed takes its sessions alone with it, and its agents are at another one soon", {
  skip,
}, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const [doomed, other] = (await openServers(lab, etcd, 2)) as [Daemon, Daemon];
  const both = `${doomed.address},${other.address}`;
  await lab.agent({ moved: board }, "-a", "none", "-server", both);
  await lab.agent({ stays: board }, "-a", "none", "-server", other.address);
  await Promise.all([shown(other, "moved", isFree), shown(other, "stays", isFree)]);
  const run = lab.start("dutctl", ["-s", other.address, "stays", "sh", untilThere(lab.path("go"))]);
  await run.said("stdout", /begun/);
  const beginning = performance.now();
  doomed.kill("SIGKILL");
  await other.said("stderr", /"epoch":2,.*"msg":"agent attached"/);
  const { stdout } = await lab.dutctl(["-s", other.address, "moved", "sh", "echo here"]);
  assert.ok(performance.now() - beginning < 15_000);
  await writeFile(lab.path("go"), "went on\n");
  assert.deepEqual([stdout, (await run.ended).stdout], ["here\n", "begun\nwent on\n"]);
});

test("a run with a grace is taken up through the server that its agent comes back to", { skip }, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const [doomed, other] = (await openServers(lab, etcd, 2)) as [Daemon, Daemon];
  await lab.agent({ board }, "-a", "none", "-server", `${doomed.address},${other.address}`);
  await shown(other, "board", isFree);
  const command = `echo executed >> ${lab.path("count")}; ${untilThere(lab.path("go"))}; cat ${lab.path("count")}`;
  const words = ["-s", other.address, "-grace", "1m", "board", "sh", command];
  const run = lab.start("dutctl", words);
  await run.said("stdout", /begun/);
  doomed.kill("SIGKILL");
  await other.said("stderr", /"epoch":2,.*"msg":"agent attached"/);
  await writeFile(lab.path("go"), "went on\n");
  const { code, stdout } = await run.ended;
  assert.deepEqual([code, stdout], [0, "begun\nwent on\nexecuted\n"]);
});

test("a client whose server is killed takes its run up through the next of its list, and misses nothing", {
  skip,
}, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const [doomed, other] = (await openServers(lab, etcd, 2)) as [Daemon, Daemon];
  await lab.agent({ board }, "-a", "none", "-server", other.address);
  await shown(doomed, "board", isFree);
  const both = `${doomed.address},${other.address}`;
  const run = lab.start("dutctl", ["-s", both, "-grace", "1m", "board", "sh", untilThere(lab.path("go"))]);
  await run.said("stdout", /begun/);
  doomed.kill("SIGKILL");
  await run.said("stderr", /trying for 1m/);
  await writeFile(lab.path("go"), "went on\n");
  const { code, stdout } = await run.ended;
  const next = await lab.dutctl(["-s", both, "board", "sh", "echo here"]);
  assert.deepEqual([code, stdout, next.stdout], [0, "begun\nwent on\n", "here\n"]);
});

test("a server that stops sends its agents elsewhere, and what runs through it ends in peace", { skip }, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const [leaving, other] = (await openServers(lab, etcd, 2)) as [Daemon, Daemon];
  const agent = await lab.agent({ board }, "-a", "none", "-server", `${leaving.address},${other.address}`);
  const run = lab.start("dutctl", ["-s", leaving.address, "board", "sh", untilThere(lab.path("go"))]);
  await run.said("stdout", /begun/);
  leaving.kill("SIGTERM");
  await agent.said("stderr", /"msg":"server wants this agent elsewhere"/);
  await other.said("stderr", /"epoch":2,.*"msg":"agent attached"/);
  const busy = await shown(other, "board", ({ state }) => state === DeviceState.BUSY);
  const late = await lab.dutctl(["-s", leaving.address, "board", "sh", "true"]);
  await writeFile(lab.path("go"), "done\n");
  const { code, stdout } = await run.ended;
  assert.deepEqual([busy.hold?.command, code, stdout], ["sh", 0, "begun\ndone\n"]);
  assert.deepEqual([late.code, /is shutting down \(try again in a moment\)/.test(late.stderr)], [121, true]);
  assert.equal((await leaving.ended).code, 0);
});

test("who owns what is the lab's and not a server's, and an administrator changes it in the store", {
  skip,
}, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const [one, two] = (await openServers(lab, etcd, 2)) as [Daemon, Daemon];
  await lab.agent({ board }, "-a", "none", "-server", one.address, "-name", "first");
  const second = await lab.agent({ board }, "-a", "none", "-server", two.address, "-name", "second");
  await second.said("stderr", /"msg":"device not taken by the server"/);
  const store = `etcd://${etcd.addresses}/test`;
  const transfer = await lab.start("dutserver", ["device", "-store", store, "transfer", "board", "second"]).ended;
  await shown(two, "board", isFree);
  const list = await lab.start("dutserver", ["device", "-store", store]).ended;
  assert.deepEqual(
    [transfer.stdout, list.stdout],
    ['device "board" belongs to agent "second"\n', "board\tsecond\tonline\n"],
  );
});

test("servers call each other over TLS, and the caller of one is the same to an agent at another", {
  skip,
}, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const certificates = await labCertificates(lab);
  const open = async (name: string) => {
    const own = certificates.guarded(await certificates.issue("server", name, "-host", "localhost"));
    return lab.server("-store", `etcd://${etcd.addresses}/test`, "-tls-ca", certificates.ca, ...own);
  };
  const [one, two] = await Promise.all([open("one"), open("two")]);
  const bench = certificates.client(await certificates.issue("agent", "bench"));
  await lab.agent({ board }, "-a", "none", "-name", "bench", "-server", two.address, ...bench);
  const alice = certificates.client(await certificates.issue("user", "alice"));
  const atOne = (...words: string[]) => lab.dutctl(["-s", one.address, ...alice, ...words]);
  const rival = certificates.client(await certificates.issue("user", "rival"));
  const watching = lab.start("dutctl", ["-s", one.address, ...alice, "-f", "jsonl", "watch"]);
  await watching.said("stdout", /"name":"board","state":"free"/);
  const locked = await atOne("board", "lock", "5m");
  const ran = await atOne("board", "sh", "echo here");
  const refused = await lab.dutctl(["-s", two.address, ...rival, "board", "sh", "true"]);
  assert.match(locked.stdout, /locked by "alice" for 5m/);
  assert.deepEqual([ran.stdout, refused.code], ["here\n", 123]);
  assert.match(refused.stderr, /device "board" is locked by "alice"/);
});

test("a bench's certificate does not let it call a server as another server does", { skip }, async (t) => {
  await using etcd = await Etcd.start();
  await using lab = await Lab.open(t.signal);
  const certificates = await labCertificates(lab);
  const own = certificates.guarded(await certificates.issue("server", "one", "-host", "localhost"));
  const server = await lab.server("-store", `etcd://${etcd.addresses}/test`, ...own);
  const [, cert = "", , key = ""] = await certificates.issue("agent", "bench");
  const [ca, ...pair] = await Promise.all([certificates.ca, cert, key].map((path) => readFile(path, "utf8")));
  const tls = { ca, own: { cert: pair[0] ?? "", key: pair[1] ?? "" } };
  const call = upgrade(parseAddress(server.address), upgrades.peer, { tls, signal: t.signal });
  await assert.rejects(call, { code: "permission_denied" });
});

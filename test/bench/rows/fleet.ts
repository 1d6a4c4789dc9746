import { setTimeout as wait } from "node:timers/promises";
import type { Daemon, Lab } from "#test/support/lab.ts";
import { labCertificates } from "#test/support/lab-certificates.ts";
import { residentMegabytes } from "#test/support/process-memory.ts";
import { bareSessionKilobytes } from "../fleet/bare-session.ts";
import { BenchFleet } from "../fleet/bench-fleet.ts";
import { type Canary, canaryDuring } from "../fleet/canary.ts";
import { listTimes } from "../fleet/list-times.ts";
import { processorMs, processorShare } from "../fleet/processor-time.ts";
import { watchTimes } from "../fleet/watch-times.ts";
import { percentile } from "../medians.ts";
import type { Group, Hold, Row } from "../row.ts";

const devicesEach = 10;
/** For what is left of the agents' coming, before the server counts as idle. */
const settleMs = 10_000;
const idleMs = 30_000;
const aloneMs = 5_000;
/** How long the server is away, so that its agents are between attempts when it is back. */
const downMs = 5_000;
/** What the agents spread their second attempts over, in seconds; see reconnectDelay. */
const spreadSeconds = 12;

interface Size {
  readonly group: string;
  readonly agents: number;
  /** Who watch at once, besides one alone. */
  readonly watchers: number;
  readonly holds: Readonly<Partial<Record<"memory" | "idle" | "list" | "canary", Hold>>>;
}

/** With what the design promises. */
const thousand: Size = {
  group: "fleet",
  agents: 1_000,
  watchers: 100,
  holds: {
    memory: { kind: "at-most", value: 200 },
    idle: { kind: "at-most", value: 10 },
    list: { kind: "at-most", value: 300 },
    canary: { kind: "at-most", value: 250 },
  },
};

export const fleet: Group = fleetOf(thousand);

/** How far it goes: only memory is promised. */
export const largeFleet: Group = fleetOf({
  group: "large-fleet",
  agents: 5_000,
  watchers: 10,
  holds: { memory: { kind: "at-most", value: 200 } },
});

/** What TLS adds to a thousand agents at rest, each with a certificate of its own. */
export const tlsFleet: Group = {
  name: "tls-fleet",
  async measure({ openLab }) {
    await using lab = await openLab();
    const certificates = await labCertificates(lab, "tls");
    const own = await certificates.issue("server", "here", "-host", "localhost");
    const server = await lab.server("-log", "info", ...certificates.guarded(own));
    const before = await atStart(server);
    const { agents } = thousand;
    const all = await BenchFleet.open(lab, {
      server: server.address,
      agents,
      devices: devicesEach,
      authority: lab.path("tls"),
    });
    all.start();
    await all.attached();
    return await atRest("1,000 agents over TLS", { server, size: thousand }, before);
  },
};

/** One server with many agents: they come for the first time, stay, and come back when it is killed and started again. */
function fleetOf(size: Size): Group {
  const { agents } = size;
  const title = `${agents.toLocaleString("en")} agents`;
  return {
    name: size.group,
    async measure({ openLab }) {
      await using lab = await openLab();
      const flags = ["-state", lab.path("kept"), "-log", "info"];
      const server = await lab.server(...flags);
      const alone = await listTimes(server.address, 20);
      const before = {
        memory: await residentMegabytes(pidOf(server)),
        idle: await processorShare(pidOf(server), aloneMs),
      };
      const all = await BenchFleet.open(lab, { server: server.address, agents, devices: devicesEach });
      return [
        ...(await firstTime(title, { server, all, size })),
        ...(await atRest(title, { server, size }, before)),
        ...(await lists(title, { server, all, size }, alone)),
        ...(await watches(title, { server, all, size })),
        ...(await storm(title, { server, all, size }, { lab, flags })),
      ];
    },
  };
}

interface Scene {
  readonly server: Daemon;
  readonly all: BenchFleet;
  readonly size: Size;
}

async function firstTime(title: string, { server, all }: Scene): Promise<readonly Row[]> {
  const begun = Date.now();
  const worked = await processorMs(pidOf(server));
  let seconds = Number.NaN;
  const canary = await canaryDuring(server.address, async () => {
    all.start();
    seconds = ((await all.attached()) - begun) / 1000;
  });
  const floor = { name: "dutserver works", value: ((await processorMs(pidOf(server))) - worked) / 1000 };
  return [
    { name: `${title} come for the first time, the last`, value: seconds, unit: "s", floor, hold: undefined },
    ...canaryRows("while they come", canary, {}),
  ];
}

interface Start {
  readonly memory: number;
  readonly idle: number;
}

/** A server before its first agent. */
async function atStart(server: Daemon): Promise<Start> {
  return { memory: await residentMegabytes(pidOf(server)), idle: await processorShare(pidOf(server), aloneMs) };
}

async function atRest(
  title: string,
  { server, size: { agents, holds } }: Pick<Scene, "server" | "size">,
  before: Start,
): Promise<readonly Row[]> {
  await wait(settleMs);
  const idle = await processorShare(pidOf(server), idleMs);
  const memory = ((await residentMegabytes(pidOf(server))) - before.memory) * 1000;
  return [
    {
      name: `${title} idle, memory of dutserver for each`,
      value: memory / agents,
      unit: "KB",
      floor: { name: "HTTP/2 session of Node", value: await bareSessionKilobytes(agents) },
      hold: holds.memory,
    },
    {
      name: `${title} idle, processor of dutserver`,
      value: idle,
      unit: "%",
      floor: { name: "without agents", value: before.idle },
      hold: holds.idle,
    },
  ];
}

type ListTimes = Awaited<ReturnType<typeof listTimes>>;

async function lists(title: string, { server, all, size }: Scene, alone: ListTimes): Promise<readonly Row[]> {
  const measured = await listTimes(server.address, 100);
  const bytes = Buffer.byteLength(all.devices.join("")) / 1000;
  return (["dutlab.v1", "dutctl.v1"] as const).flatMap((protocol): Row[] => {
    const { times, kilobytes } = measured[protocol];
    const floor = { name: "an empty list", value: percentile(alone[protocol].times, 0.5) };
    const what = `list of ${title}, ${protocol}`;
    return [
      { name: `${what}, median`, value: percentile(times, 0.5), unit: "ms", floor, hold: undefined },
      { name: `${what}, 99 %`, value: percentile(times, 0.99), unit: "ms", floor, hold: size.holds.list },
      {
        name: `${what}, size`,
        value: kilobytes,
        unit: "KB",
        floor: { name: "the names", value: bytes },
        hold: undefined,
      },
    ];
  });
}

async function watches(title: string, { server, all, size: { watchers } }: Scene): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const count of [1, watchers]) {
    const { seen, call } = await watchTimes(server.address, { devices: all.devices, watchers: count });
    const floor = { name: "a call to an agent", value: percentile(call, 0.5) };
    const what = `a lock of ${title}, until ${count === 1 ? "a watcher sees" : `each of ${count} watchers sees`} it`;
    rows.push(
      { name: `${what}, median`, value: percentile(seen, 0.5), unit: "ms", floor, hold: undefined },
      { name: `${what}, 99 %`, value: percentile(seen, 0.99), unit: "ms", floor, hold: undefined },
    );
  }
  return rows;
}

/** The server is killed, is away for a while, and is started on the same port. */
async function storm(
  title: string,
  { server, all, size }: Scene,
  { lab, flags }: { readonly lab: Lab; readonly flags: readonly string[] },
): Promise<readonly Row[]> {
  all.forget();
  server.kill("SIGKILL");
  await server.ended;
  await wait(downMs);
  const begun = Date.now();
  const next = await lab.server(...flags, "-s", server.address);
  const listening = Date.now();
  let back = Number.NaN;
  const canary = await canaryDuring(next.address, async () => {
    back = await all.attached();
  });
  return [
    {
      name: `${title} after kill -9 of dutserver, the last is back`,
      value: (back - begun) / 1000,
      unit: "s",
      floor: { name: "dutserver listens", value: (listening - begun) / 1000 },
      hold: undefined,
    },
    {
      name: "of them at most in one second, after the first attempt",
      value: 100 * all.busiestSecond(),
      unit: "%",
      floor: { name: `evenly over ${spreadSeconds} s`, value: 100 / spreadSeconds },
      hold: { kind: "at-most", value: 20 },
    },
    ...canaryRows("while they come back", canary, size.holds),
  ];
}

function canaryRows(when: string, { times, failures }: Canary, holds: Size["holds"]): readonly Row[] {
  for (const failure of failures) {
    process.stderr.write(`a list failed ${when}: ${failure}\n`);
  }
  const hold = holds.canary;
  const floor = { name: "median", value: percentile(times, 0.5) };
  return [
    { name: `a list ${when}, 99 %`, value: percentile(times, 0.99), unit: "ms", floor, hold },
    {
      name: `lists that failed ${when}`,
      value: failures.length,
      unit: "lists",
      floor: { name: "of", value: times.length },
      hold: hold && { kind: "at-most", value: 0 },
    },
  ];
}

function pidOf({ process: { pid } }: Daemon): number {
  if (pid === undefined) {
    throw new Error("a server of the benchmark did not start");
  }
  return pid;
}

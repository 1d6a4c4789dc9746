import { openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import type { Daemon } from "#test/support/lab.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { crowdTimes } from "../fleet/crowd-times.ts";
import { percentile } from "../medians.ts";
import type { Group, Row } from "../row.ts";

const runs = 1_000;
const seconds = 10;
/** One user has all the runs, and an agent may have them. */
const limits = ["runs-per-user", "runs-per-agent"].flatMap((limit) => ["-limit", `${limit}=${runs}`]);

/** A thousand runs at once through a server, each of which sends a line a second and has it back. */
export const crowd: Group = {
  name: "crowd",
  async measure({ openLab }) {
    const rows: Row[] = [];
    for (const agents of [100, 1]) {
      await using lab = await openLab();
      const server = await lab.server("-log", "info", ...limits);
      const each = runs / agents;
      const all = await openAgentFleet(lab, { servers: server.address, agents, devices: each });
      all.tell("start");
      await all.had("attached", agents);
      const devices = Array.from({ length: runs }, (_, index) => `fleet-${Math.floor(index / each)}-${index % each}`);
      const over = agents === 1 ? "one agent's connection" : `the connections of ${agents} agents`;
      rows.push(...(await runsOver(over, server, devices)));
    }
    return rows;
  },
};

async function runsOver(what: string, server: Daemon, devices: readonly string[]): Promise<readonly Row[]> {
  const pid = server.process.pid as number;
  await resetPeak(pid);
  const before = await peakMegabytes(pid);
  const { alone, times } = await crowdTimes(server.address, devices, seconds);
  const floor = { name: "one run alone", value: alone };
  return [
    {
      name: `1,000 runs over ${what}, a line a second each, median`,
      value: percentile(times, 0.5),
      unit: "ms",
      floor,
      hold: { kind: "at-most", value: 20 },
    },
    {
      name: `1,000 runs over ${what}, 99 % of the lines`,
      value: percentile(times, 0.99),
      unit: "ms",
      floor,
      hold: { kind: "at-most", value: 250 },
    },
    {
      name: `1,000 runs over ${what}, memory of dutserver`,
      value: await peakMegabytes(pid),
      unit: "MB",
      floor: { name: "before", value: before },
      hold: { kind: "at-most", value: 200 },
    },
  ];
}

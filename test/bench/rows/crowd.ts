import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import type { RunRequestSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import type { Daemon } from "#test/support/lab.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { percentile } from "../medians.ts";
import type { Group, Row } from "../row.ts";

const runs = 1_000;
const streamsPerConnection = 100;
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
  using open = new DisposableStack();
  const connections = Array.from({ length: runs / streamsPerConnection }, () =>
    open.use(connectTo(parseAddress(server.address), { identity: "bench" })),
  );
  const pid = server.process.pid as number;
  await resetPeak(pid);
  const before = await peakMegabytes(pid);
  const [alone = Number.NaN] = await echoes(connections[0] as Connection, {
    device: devices[0] as string,
    begin: async () => {},
  });
  let greeted = 0;
  const there = Promise.withResolvers<void>();
  const times = await Promise.all(
    devices.map((device, index) =>
      echoes(connections[index % connections.length] as Connection, {
        device,
        async begin() {
          greeted += 1;
          if (greeted === runs) {
            there.resolve();
          }
          await there.promise;
          await setTimeout((index * 1000) / runs);
        },
      }),
    ),
  );
  const all = times.flat();
  const floor = { name: "one run alone", value: alone };
  return [
    {
      name: `1,000 runs over ${what}, a line a second each, median`,
      value: percentile(all, 0.5),
      unit: "ms",
      floor,
      hold: { kind: "at-most", value: 20 },
    },
    {
      name: `1,000 runs over ${what}, 99 % of the lines`,
      value: percentile(all, 0.99),
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

interface Part {
  readonly device: string;
  /** Told when the run is there; resolves when it may say its first line. */
  begin(): Promise<void>;
}

/** Milliseconds that each line of a run takes to come back. Throws when one does not, or comes twice. */
async function echoes(connection: Connection, { device, begin }: Part): Promise<number[]> {
  const greeting = Promise.withResolvers<void>();
  const lines = Array.from({ length: seconds }, (_, index) => `${device}-line-${index}\n`);
  const sent: number[] = [];
  async function* requests(): AsyncGenerator<MessageInitShape<typeof RunRequestSchema>> {
    yield { device, msg: { case: "start", value: { runId: randomUUID(), command: "repeat" } } };
    await greeting.promise;
    await begin();
    let offset = 0n;
    for (const line of [...lines, "the end\n"]) {
      const data = Buffer.from(line);
      sent.push(performance.now());
      yield { device, msg: { case: "input", value: { data, offset } } };
      offset += BigInt(data.length);
      await setTimeout(1000);
    }
  }
  const times: number[] = [];
  let said = "";
  for await (const { msg } of connection.runs.run(requests())) {
    if (msg.case === "stdout") {
      greeting.resolve();
      said += Buffer.from(msg.value);
      while (said.includes(lines[times.length] ?? "\0")) {
        times.push(performance.now() - (sent[times.length] ?? Number.NaN));
      }
    }
  }
  const echoed = said.slice(said.indexOf(lines[0] ?? ""));
  if (echoed !== lines.join("")) {
    throw new Error(`${device} sent ${lines.length} lines and has back: ${echoed}`);
  }
  return times;
}

import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import type { RunRequestSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { percentile } from "../medians.ts";
import type { Group } from "../row.ts";

const agents = 5;
const runsEach = 200;
const streamsPerConnection = 100;
const seconds = 10;

/** A thousand runs at once through the server, each of which sends a line a second and has it back. */
export const crowd: Group = {
  name: "crowd",
  async measure({ openCrowd, server, pids }) {
    await using _ = await openCrowd(agents, runsEach);
    const runs = agents * runsEach;
    using open = new DisposableStack();
    const connections = Array.from({ length: runs / streamsPerConnection }, () =>
      open.use(connectTo(parseAddress(server), { identity: "bench" })),
    );
    await resetPeak(pids.server);
    const before = await peakMegabytes(pids.server);
    const [alone = Number.NaN] = await echoes(connections[0] as Connection, {
      device: "crowd-0",
      begin: async () => {},
    });
    let greeted = 0;
    const there = Promise.withResolvers<void>();
    const times = await Promise.all(
      Array.from({ length: runs }, (_, index) =>
        echoes(connections[index % connections.length] as Connection, {
          device: `crowd-${index}`,
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
        name: "1,000 runs, a line a second each, median",
        value: percentile(all, 0.5),
        unit: "ms",
        floor,
        hold: { kind: "at-most", value: 20 },
      },
      { name: "1,000 runs, 99 % of the lines", value: percentile(all, 0.99), unit: "ms", floor, hold: undefined },
      {
        name: "1,000 runs, memory of dutserver",
        value: await peakMegabytes(pids.server),
        unit: "MB",
        floor: { name: "before", value: before },
        hold: { kind: "at-most", value: 200 },
      },
    ];
  },
};

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

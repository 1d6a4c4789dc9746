import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import type { RunRequestSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

const streamsPerConnection = 100;

export interface CrowdTimes {
  /** Milliseconds that the first line takes there and back when nothing else runs. */
  readonly alone: number;
  /** Milliseconds of every line of all runs. */
  readonly times: readonly number[];
}

/**
 * Runs `repeat` on all the devices at once, each of which has a line a second and gives it back, for so many seconds. Throws
 * when a line is lost, comes twice or out of order.
 */
export async function crowdTimes(
  address: string,
  devices: readonly string[],
  seconds: number,
  clock: Pick<Performance, "now"> = performance,
): Promise<CrowdTimes> {
  using open = new DisposableStack();
  const connections = Array.from({ length: Math.ceil(devices.length / streamsPerConnection) }, () =>
    open.use(connectTo(parseAddress(address), { identity: "bench" })),
  );
  const [alone = Number.NaN] = await echoes(connections[0] as Connection, {
    device: devices[0] as string,
    seconds: 1,
    clock,
    begin: async () => {},
  });
  let greeted = 0;
  const there = Promise.withResolvers<void>();
  const times = await Promise.all(
    devices.map((device, index) =>
      echoes(connections[index % connections.length] as Connection, {
        device,
        seconds,
        clock,
        async begin() {
          greeted += 1;
          if (greeted === devices.length) {
            there.resolve();
          }
          await there.promise;
          await setTimeout((index * 1000) / devices.length);
        },
      }),
    ),
  );
  return { alone, times: times.flat() };
}

interface Part {
  readonly device: string;
  readonly seconds: number;
  readonly clock: Pick<Performance, "now">;
  /** Told when the run is there; resolves when it may say its first line. */
  begin(): Promise<void>;
}

/** Milliseconds that each line of a run takes to come back. Throws when one does not, or comes twice. */
async function echoes(connection: Connection, { device, seconds, clock, begin }: Part): Promise<number[]> {
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
      sent.push(clock.now());
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
        times.push(clock.now() - (sent[times.length] ?? Number.NaN));
      }
    }
  }
  const echoed = said.slice(said.indexOf(lines[0] ?? ""));
  if (echoed !== lines.join("")) {
    throw new Error(`${device} sent ${lines.length} lines and has back: ${echoed}`);
  }
  return times;
}

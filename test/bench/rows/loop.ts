import { randomUUID } from "node:crypto";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { percentile, timed } from "../medians.ts";
import type { Group, Row } from "../row.ts";

const runs = 10_000;

/** A short command again and again, as a test suite runs it: the middle of the runs, and the slowest one of a hundred. */
export const loop: Group = {
  name: "loop",
  async measure({ agent, server }) {
    const measured: { times: number[]; call: number }[] = [];
    for (const address of [agent, server]) {
      using connection = connectTo(parseAddress(address), { identity: "bench" });
      const times: number[] = [];
      for (let run = 0; run < runs; run++) {
        times.push(await timed(() => runStatus(connection)));
      }
      const calls: number[] = [];
      for (let call = 0; call < runs / 10; call++) {
        calls.push(await timed(() => connection.devices.commands({ device: "board" })));
      }
      measured.push({ times, call: percentile(calls, 0.5) });
    }
    return ["direct", "through the server"].flatMap((way, index): Row[] => {
      const { times = [], call = Number.NaN } = measured[index] ?? {};
      const floor = { name: "a call", value: call };
      return [
        { name: `10,000 runs, median, ${way}`, value: percentile(times, 0.5), unit: "ms", floor, hold: undefined },
        { name: `10,000 runs, 99 %, ${way}`, value: percentile(times, 0.99), unit: "ms", floor, hold: undefined },
      ];
    });
  },
};

async function runStatus({ runs: service }: Connection): Promise<void> {
  async function* requests() {
    yield { device: "board", msg: { case: "start" as const, value: { runId: randomUUID(), command: "status" } } };
  }
  let code = "no end";
  for await (const { msg } of service.run(requests())) {
    if (msg.case === "end") {
      code = msg.value.code;
    }
  }
  if (code !== "ok") {
    throw new Error(`a run of the loop ended with ${code}`);
  }
}

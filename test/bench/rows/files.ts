import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { digestOf, writeRandomFile } from "#test/support/random-file.ts";
import { timed } from "../medians.ts";
import { bulkBytes, flood } from "../peers/flood.ts";
import type { BenchLab, Group, Row } from "../row.ts";

const mebibytes = 1024;
const fileBytes = mebibytes * 1024 * 1024;
const megabytes = fileBytes / 1e6;

/** What dummy-ft adds. */
const ending = Buffer.from("\n\nprocessed by dummy.FT module\n");

/** One gibibyte to an agent and back at the same time: how fast each way, and what every process needs for it. */
export const files: Group = {
  name: "files",
  async measure(lab) {
    const input = join(lab.directory, "gibibyte");
    const digest = await writeRandomFile(input, mebibytes);
    const splice = bulkBytes / 1000 / (await timed(() => sendThrough(lab.spliced.swallow)));
    const bare = await bareNode();
    const rows: Row[] = [];
    for (const [way, address] of [
      ["direct", lab.agent],
      ["through the server", lab.server],
    ] as const) {
      const { seconds, peaks } = await transfer(lab, { address, input, digest });
      rows.push({
        name: `1 GiB each way, ${way}`,
        value: megabytes / seconds,
        unit: "MB/s",
        floor: { name: "TCP splice", value: splice },
        hold: { kind: "at-least", value: 60 },
      });
      for (const [program, value] of Object.entries(peaks)) {
        rows.push({
          name: `memory of ${program}, ${way}`,
          value,
          unit: "MB",
          floor: { name: "node -e 0", value: bare },
          hold: { kind: "at-most", value: 250 },
        });
      }
    }
    await rm(input);
    return rows;
  },
};

async function transfer(
  { clients, pids, directory }: BenchLab,
  { address, input, digest }: { address: string; input: string; digest: string },
): Promise<{ seconds: number; peaks: Record<string, number> }> {
  const output = join(directory, "back");
  const [program = "", ...words] = clients[0]?.words("dutctl") ?? [];
  await Promise.all(Object.values(pids).map(resetPeak));
  const begun = performance.now();
  const client = spawn(program, [...words, "-s", address, "board", "ft", input, output], { stdio: "ignore" });
  const clientPeak = watchPeak(client);
  const [code] = await once(client, "exit");
  const seconds = (performance.now() - begun) / 1000;
  if (code !== 0) {
    throw new Error(`the transfer of 1 GiB ended with ${code}`);
  }
  const back = await digestOf(output, mebibytes);
  if (back !== digest || (await stat(output)).size !== fileBytes + ending.length) {
    throw new Error("the file that came back is another one");
  }
  await rm(output);
  const [agent, server] = await Promise.all([peakMegabytes(pids.agent), peakMegabytes(pids.server)]);
  return { seconds, peaks: { dutctl: await clientPeak, dutagent: agent, dutserver: server } };
}

/** The last peak that could be read of a process that ends. */
async function watchPeak(child: ChildProcess): Promise<number> {
  let peak = 0;
  while (child.exitCode === null && child.pid !== undefined) {
    const now = await peakMegabytes(child.pid).catch(() => Number.NaN);
    peak = Number.isNaN(now) ? peak : now;
    await setTimeout(100);
  }
  return peak;
}

async function sendThrough(port: number): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  Readable.from(flood()).pipe(socket);
  await once(socket.resume(), "end");
}

async function bareNode(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume(); console.log(1)"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const peak = await peakMegabytes(child.pid as number);
  child.kill();
  return peak;
}

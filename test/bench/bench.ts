/** `npm run bench [-- --only GROUP…] [--json FILE]`: what the programs cost, beside what the machine costs by itself. */
import "#pinned-node";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { openBenchLab } from "./bench-lab.ts";
import { renderRows, rowsAsJson } from "./report.ts";
import type { Group, Row } from "./row.ts";
import { bulk } from "./rows/bulk.ts";
import { calls, echo } from "./rows/calls.ts";
import { cluster } from "./rows/cluster.ts";
import { crowd } from "./rows/crowd.ts";
import { files } from "./rows/files.ts";
import { fleet, largeFleet, tlsFleet } from "./rows/fleet.ts";
import { loop } from "./rows/loop.ts";
import { list, run, startUp } from "./rows/processes.ts";

/** Those that measure memory come early: what a process has needed once, it keeps for a while. */
const groups: readonly Group[] = [
  startUp,
  list,
  run,
  crowd,
  files,
  calls,
  loop,
  echo,
  bulk,
  cluster,
  fleet,
  tlsFleet,
  largeFleet,
];

try {
  const { chosen, json } = parseCommandLine(process.argv.slice(2));
  const rows: Row[] = [];
  await using lab = await openBenchLab();
  for (const group of chosen) {
    process.stderr.write(`${group.name} …\n`);
    rows.push(...(await group.measure(lab)));
  }
  process.stdout.write(renderRows(rows));
  if (json !== undefined) {
    await writeFile(json, rowsAsJson(rows));
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}

function parseCommandLine(args: readonly string[]): { chosen: readonly Group[]; json: string | undefined } {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: "string", multiple: true }, json: { type: "string" } },
  });
  const names = groups.map(({ name }) => name);
  const unknown = values.only?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`there is no group ${unknown}: --only takes ${names.join(", ")}`);
  }
  const chosen = groups.filter(({ name }) => values.only?.includes(name) ?? true);
  return { chosen, json: values.json };
}

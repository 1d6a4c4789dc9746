import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { type Daemon, Lab } from "#test/support/lab.ts";
import type { Direction } from "#test/support/line-fault.ts";
import { recordsOf } from "#test/support/log-records.ts";
import { openFilesOf, untilOpenFiles } from "#test/support/open-files.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";
import { openTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { dutctl } from "../../cmds/dutctl/test/recorded-world.ts";
import { untilFree } from "./free-devices.ts";

const cuts = rounds(500, 2000);
const atOnce = 4;

const lines = Array.from({ length: 200 }, (_, index) => `line ${index + 1}\n`).join("");
const content = Buffer.alloc(20_000, "firmware ");
const processed = `${content}\n\nprocessed by dummy.FT module\n`;

/** Prints on both streams, takes a file and gives one back. */
const job = {
  uses: [
    { module: "shell", args: ["i=1; while [ $i -le 200 ]; do echo line $i; i=$((i+1)); done; echo warned >&2"] },
    { module: "dummy-ft", passthrough: true },
  ],
};

interface Cut {
  readonly direction: Direction;
  readonly bytes: number;
  readonly how: "reset" | "end";
}

interface Outcome {
  readonly cut: Cut;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined when there is none. */
  readonly received: string | undefined;
}

test(`over dutctl.v1, ${cuts} cuts leave nothing stuck, and a run that says it was done was done`, (t) =>
  withCuts(t, ["-protocol", "v1"], (outcome) => isWhole(outcome) || isLost(outcome)));

test(`over dutlab.v1, ${cuts} cuts leave nothing stuck, and a run that says it was done was done`, (t) =>
  withCuts(t, ["-protocol", "lab"], (outcome) => isWhole(outcome) || isLost(outcome)));

test(`with a grace, a run comes through each of ${cuts} cuts whole, or is known not to have been heard of`, (t) =>
  withCuts(t, ["-protocol", "lab", "-grace", "30s"], (outcome) => isWhole(outcome) || isUnheardOf(outcome)));

/** Everything there is, once and in order. */
function isWhole({ code, stdout, received }: Outcome): boolean {
  return code === 0 && stdout.startsWith(lines) && received === processed;
}

/** The beginning of the output, no part of a file, and a status that says so. */
function isLost({ code, stdout, received }: Outcome): boolean {
  const known = [121, 125].includes(code) && (received === undefined || received === processed);
  return known && (stdout.startsWith(lines) || lines.startsWith(stdout));
}

/** The connection broke before the agent can have answered. */
function isUnheardOf({ code, stdout, received }: Outcome): boolean {
  return [121, 125].includes(code) && stdout === "" && received === undefined;
}

async function withCuts(t: TestContext, options: readonly string[], fine: (outcome: Outcome) => boolean) {
  await using lab = await Lab.open(t.signal);
  const names = Array.from({ length: cuts + 1 }, (_, index) => `board-${index}`);
  const agent = await lab.agent(Object.fromEntries(names.map((name) => [name, { cmds: { job } }])), "-log", "info");
  const lengths = await lengthsOf(lab, agent, options);
  const random = pseudoRandom(20_261_121);
  const odd: Outcome[] = [];
  let next = 1;
  const worker = async () => {
    for (let index = next++; index <= cuts; index = next++) {
      const direction = random() < 0.5 ? "up" : "down";
      const cut: Cut = {
        direction,
        bytes: Math.floor(random() * (lengths[direction] + 1)),
        how: random() < 0.5 ? "reset" : "end",
      };
      const outcome = await runCut(lab, agent, { index, cut, options });
      if (!fine(outcome)) {
        odd.push(outcome);
      }
    }
  };
  const before = await openFilesOf(agent);
  await Promise.all(Array.from({ length: atOnce }, worker));
  assert.deepEqual(
    odd.slice(0, 5).map(({ stdout, received, ...rest }) => ({
      ...rest,
      stdout: stdout.slice(-80),
      received: received?.length,
    })),
    [],
    `${odd.length} of ${cuts} are odd`,
  );
  await untilFree(agent);
  await agent.shown(() => haveEnded(agent) || undefined, "has not logged the end of each run");
  await untilOpenFiles(agent, before);
  assert.equal(agent.process.exitCode, null);
}

/** Whether each run that it says was begun is said to be over. */
function haveEnded(agent: Daemon): boolean {
  return recordsOf(agent, { msg: "run started" }).length === recordsOf(agent, { msg: "run ended" }).length;
}

async function runCut(
  lab: Lab,
  agent: Daemon,
  { index, cut, options }: { index: number; cut: Cut; options: readonly string[] },
): Promise<Outcome> {
  await using proxy = await openTcpProxy(agent.address, (connection) => (connection === 0 ? { cut } : {}));
  const { code, stdout, stderr, received } = await runJob(lab, proxy, { index, options });
  return { cut, code, stdout, stderr, received };
}

async function runJob(lab: Lab, proxy: TcpProxy, { index, options }: { index: number; options: readonly string[] }) {
  const [input, output] = [`in-${index}`, `out-${index}`];
  await writeFile(lab.path(input), content);
  const ended = await dutctl(["-s", proxy.address, ...options, `board-${index}`, "job", input, output], {
    directory: lab.directory,
  });
  const received = await readFile(lab.path(output), "utf8").catch((error: NodeJS.ErrnoException) => {
    assert.equal(error.code, "ENOENT");
    return undefined;
  });
  return { ...ended, received };
}

/** How many bytes an undisturbed run sends each way. */
async function lengthsOf(lab: Lab, agent: Daemon, options: readonly string[]): Promise<Record<Direction, number>> {
  await using proxy = await openTcpProxy(agent.address);
  const { code, stderr } = await runJob(lab, proxy, { index: 0, options });
  assert.deepEqual([code, stderr], [0, "warned\n"]);
  return { ...proxy.passed };
}

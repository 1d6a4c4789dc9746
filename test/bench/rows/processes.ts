import { spawn } from "node:child_process";
import { once } from "node:events";
import { medians, timed } from "../medians.ts";
import type { BenchLab, Group, Hold, Row } from "../row.ts";

const rounds = 21;

interface Case {
  readonly name: string;
  readonly program: "dutctl" | "dutagent" | "dutserver";
  readonly args: (lab: BenchLab) => readonly string[];
  /** What the executable promises; the source is only shown. */
  readonly hold?: Hold;
}

const atMost = (factor: number): Hold => ({ kind: "at-most-times", factor });

/** Whole processes from their start to their end, beside a Node that runs nothing. */
export const startUp: Group = wholeProcesses("start-up", [
  { name: "dutctl version", program: "dutctl", args: () => ["version"], hold: atMost(1.6) },
  { name: "dutagent -v", program: "dutagent", args: () => ["-v"] },
  { name: "dutserver -v", program: "dutserver", args: () => ["-v"] },
]);

export const list: Group = wholeProcesses("list", [
  { name: "dutctl list", program: "dutctl", args: ({ agent }) => ["-s", agent, "list"], hold: atMost(3) },
  {
    name: "completing a device",
    program: "dutctl",
    args: ({ agent }) => ["__complete", "-s", agent, "bo"],
    hold: { kind: "at-most", value: 100 },
  },
]);

export const run: Group = wholeProcesses("run", [
  {
    name: "dutctl shell 'echo hi'",
    program: "dutctl",
    args: ({ agent }) => ["-s", agent, "board", "shell", "echo hi"],
  },
  {
    name: "dutctl shell 'echo hi' through the server",
    program: "dutctl",
    args: ({ server }) => ["-s", server, "board", "shell", "echo hi"],
  },
]);

function wholeProcesses(group: string, cases: readonly Case[]): Group {
  return {
    name: group,
    async measure(lab) {
      const all = lab.clients.flatMap(({ form, words }) =>
        cases.map(({ name, program, args, hold }) => ({
          name: `${name}, ${form}`,
          words: [...words(program), ...args(lab)],
          hold: form === "executable" ? hold : undefined,
        })),
      );
      const floor = "node -e 0";
      const measured: Record<string, number> = await medians<string>(rounds, {
        [floor]: () => wholeProcess([process.execPath, "-e", "0"]),
        ...Object.fromEntries(all.map(({ name, words }) => [name, () => wholeProcess(words)])),
      });
      return all.map(
        ({ name, hold }): Row => ({
          name,
          value: measured[name] as number,
          unit: "ms",
          floor: { name: floor, value: measured[floor] as number },
          hold,
        }),
      );
    },
  };
}

function wholeProcess([program = "", ...args]: readonly string[]): Promise<number> {
  return timed(async () => {
    const child = spawn(program, args, { stdio: "ignore" });
    const [code] = await once(child, "exit");
    if (code !== 0) {
      throw new Error(`${[program, ...args].join(" ")} ended with ${code}`);
    }
  });
}

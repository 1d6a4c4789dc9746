import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { DutError } from "#pkg/errors/dut-error.ts";

/** The tools that answer in milliseconds; stty on a port that still has output to send waits for it. */
const toolLimitMs = 5_000;

interface SmallToolEnd {
  /** Null when it did not end in 5 s and was killed. */
  readonly code: number | null;
  /** What it wrote to stderr. */
  readonly complaint: string;
}

/** Runs a tool that says little; the descriptors in `lent` become its 3, 4, … Throws unavailable when it is missing. */
export async function runSmallTool(
  program: string,
  args: readonly string[],
  lent: readonly number[],
): Promise<SmallToolEnd> {
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe", ...lent],
    env: { ...process.env, LC_ALL: "C" },
    timeout: toolLimitMs,
    killSignal: "SIGKILL",
  });
  const closed = once(child, "close").catch((error: unknown) => {
    throw new DutError("unavailable", `cannot run ${program}`, {
      hint: "install the packages coreutils, util-linux and perl-base",
      cause: error,
    });
  });
  const [complaint, [code]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), closed]);
  return { code: code as number | null, complaint: complaint.trim() };
}

import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { endedBadly } from "../../tool/ended-badly.ts";
import type { StartContext } from "../../virtual-board/board-design.ts";
import { lastWords } from "../../virtual-board/last-words.ts";
import { type QemuPlan, runDirectory } from "../options.ts";
import { tpmSocket } from "./command-line.ts";

/** swtpm is there in 20 ms; a computer that needs longer than this cannot run a board. */
const readyLimitMs = 5000;
const lookAgainMs = 10;

/** The argument that tells the TPM of this board from all others. */
export const tpmMark = (plan: QemuPlan) => `type=unixio,path=${tpmSocket(plan)},mode=0600`;

/** A TPM 2.0 that QEMU can connect to. Disposing ends it; what it keeps stays like the board's disk. */
export interface Tpm extends AsyncDisposable {
  /** How it ended by itself, as a clause; undefined while it runs. */
  readonly failure: string | undefined;
}

/** Starts swtpm. Throws unavailable when it does not come up, and as `Processes.start`. */
export async function startTpm(plan: QemuPlan, { host, log, signal }: StartContext): Promise<Tpm> {
  const { files, processes } = host;
  const kept = join(plan.state, "tpm");
  await files.makeDirectory(kept);
  await using opened = new AsyncDisposableStack();
  const stop = new AbortController();
  const swtpm = opened.use(
    await processes.start({
      program: "swtpm",
      args: ["socket", "--tpm2", "--tpmstate", `dir=${kept},mode=0600`, "--ctrl", tpmMark(plan)],
      signal: stop.signal,
    }),
  );
  let failure: string | undefined;
  const said = Promise.all([lastWords(swtpm.stdout), lastWords(swtpm.stderr)]);
  const ended = swtpm.exited.then(async (status) => {
    const [stdout, stderr] = await said;
    if (!stop.signal.aborted) {
      failure = endedBadly("swtpm", status, `${stdout}\n${stderr}`).message;
      log.error("the board's TPM ended", { state: plan.state, how: failure });
    }
  });
  const late = AbortSignal.timeout(readyLimitMs);
  while (!(await files.list(runDirectory(plan))).includes(basename(tpmSocket(plan)))) {
    signal.throwIfAborted();
    if (failure !== undefined || late.aborted) {
      throw new DutError("unavailable", `the board's TPM did not start: ${failure ?? "it makes no socket"}`);
    }
    await setTimeout(lookAgainMs);
  }
  const release = opened.move();
  return {
    get failure() {
      return failure;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await release.disposeAsync();
      await ended;
    },
  };
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Invocation } from "../grammar.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { needLab } from "./prefer-lab.ts";
import { LabRun } from "./run/lab-run.ts";
import { openStage } from "./run/stage.ts";

/**
 * Takes over a run of the caller's, the one that goes on at the device when none is named: shows what is kept of its
 * output and goes on as its client. It gets no files but those that -allow-read names: what the arguments of the run were
 * is the agent's word.
 */
export async function attach({ device, runId }: Invocation & { name: "attach" }, context: Context): Promise<void> {
  const { options, server } = context;
  needLab(options, "attach to runs");
  const id = runId ?? (await currentRun(device, context));
  const metadata = { server, msg: "Attach Response", device };
  await using stage = openStage(context, { args: [], metadata, runId: id });
  const opening = { kind: "attach" } as const;
  await using run = new LabRun(context, { device, runId: id, opening, stage, graceMs: options.graceMs });
  await run.run();
}

async function currentRun(device: string, { connection, identity, world }: Context): Promise<string> {
  const { runs } = await connection.runs.listRuns({ device }, unary(world.signal));
  const going = runs.filter(({ end }) => end === undefined);
  const own = going.find(({ owner }) => owner === identity) ?? going[0];
  if (own === undefined) {
    throw new DutError("not_found", `nothing runs on device ${quote(device)}`, {
      hint: "dutctl runs shows what went on lately",
    });
  }
  return own.runId;
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Invocation } from "../grammar.ts";
import type { Context } from "./context.ts";
import { CommandFailed } from "./run/endings.ts";
import { LabRun } from "./run/lab-run.ts";
import { openStage } from "./run/stage.ts";

/**
 * Runs a command: what it prints comes out, what is typed goes in, and the files that the user named are exchanged, until
 * it ends. Our protocol is preferred; a peer that does not know it has refused the call before it has begun anything.
 */
export async function run({ device, command, args }: Invocation & { name: "run" }, context: Context): Promise<void> {
  const { options, server } = context;
  const metadata = { server, msg: "Run Response", device, command, args: args.join(" ") };
  const runId = options.protocol === "v1" ? undefined : crypto.randomUUID();
  await using stage = openStage(context, { args, metadata, ...(runId === undefined ? {} : { runId }) });
  if (runId !== undefined) {
    const opening = { kind: "start", command, args } as const;
    await using ours = new LabRun(context, { device, runId, opening, stage, graceMs: options.graceMs });
    try {
      return await ours.run();
    } catch (error) {
      if (options.protocol === "lab" || !isUnknownHere(error)) {
        throw error;
      }
    }
  }
  if (options.graceMs > 0) {
    await stage.note("by the old protocol a run ends when its connection is lost: -grace has no effect");
  }
  const { runV1 } = await import("./run/run-v1.ts");
  await runV1({ device, command, args }, context, stage);
}

/** True when the peer does not have the call at all. */
function isUnknownHere(error: unknown): boolean {
  return (
    error instanceof DutError &&
    error.code === "unimplemented" &&
    saidByPeer(error) &&
    !(error instanceof CommandFailed)
  );
}

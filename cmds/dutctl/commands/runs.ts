import type { RunInfo } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Invocation } from "../grammar.ts";
import type { RunRow } from "../output/content.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { needLab } from "./prefer-lab.ts";

/** Shows the runs that go on, and those that ended lately, of every device or of one. */
export async function runs(
  { device = "" }: Invocation & { name: "runs" },
  { connection, options, server, out, world }: Context,
): Promise<void> {
  needLab(options, "list runs");
  const response = await connection.runs.listRuns({ device }, unary(world.signal));
  await out.write({
    type: "run-list",
    data: response.runs.map(rowOf),
    metadata: { server, msg: "ListRuns Response", ...(device === "" ? {} : { device }) },
  });
}

function rowOf({ runId, device, command, args, owner, sinceMs, attached, graceUntilMs, end }: RunInfo): RunRow {
  return {
    runId,
    device,
    command,
    args,
    owner,
    sinceMs: Number(sinceMs),
    attached,
    graceUntilMs: Number(graceUntilMs),
    end:
      end === undefined
        ? undefined
        : { exitStatus: end.exitStatus, code: end.code, message: end.message, hint: end.hint },
  };
}

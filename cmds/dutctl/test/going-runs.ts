import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RunInfoSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

/** The runs that an agent tells of: one with a client, one that goes on without, and one that has ended. */
export const goingRuns: MessageInitShape<typeof RunInfoSchema>[] = [
  { runId: "r3", device: "dev1", command: "up", owner: "bob@h", sinceMs: 1795170443000n, attached: true },
  { runId: "r2", device: "dev1", command: "sh", args: ["a b"], owner: "alice@desk", sinceMs: 1795170443000n },
  {
    runId: "r1",
    device: "dev1",
    command: "sh",
    owner: "alice@desk",
    sinceMs: 1795170440000n,
    end: { code: "aborted", message: "module failed: no", exitStatus: 4 },
  },
];

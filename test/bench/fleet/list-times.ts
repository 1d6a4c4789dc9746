import { toBinary } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { LabService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { timed } from "../medians.ts";

export interface Lists {
  /** Milliseconds of each, until the client has its values. */
  readonly times: readonly number[];
  /** Of the answer. */
  readonly kilobytes: number;
}

/** Lists of a server over an open connection, in both protocols in turns; the first of each warms up. */
export async function listTimes(
  address: string,
  rounds: number,
  clock: Pick<Performance, "now"> = performance,
): Promise<Readonly<Record<"dutlab.v1" | "dutctl.v1", Lists>>> {
  using connection = connectTo(parseAddress(address), { identity: "bench" });
  const { lab, devices } = connection;
  const times: Record<"dutlab.v1" | "dutctl.v1", number[]> = { "dutlab.v1": [], "dutctl.v1": [] };
  for (let round = 0; round <= rounds; round++) {
    times["dutlab.v1"].push(await timed(() => lab.list({}), clock));
    times["dutctl.v1"].push(await timed(() => devices.list({}), clock));
  }
  const sizes = {
    "dutlab.v1": toBinary(LabService.method.list.output, await lab.list({})).length,
    "dutctl.v1": toBinary(DeviceService.method.list.output, await devices.list({})).length,
  };
  const listsOf = (protocol: keyof typeof times): Lists => ({
    times: times[protocol].slice(1),
    kilobytes: sizes[protocol] / 1000,
  });
  return { "dutlab.v1": listsOf("dutlab.v1"), "dutctl.v1": listsOf("dutctl.v1") };
}

import type { DescMethod } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import { DeviceService } from "./gen/dutctl/v1/dutctl_pb.ts";
import { LabService, RunService } from "./gen/dutlab/v1/dutlab_pb.ts";
import type { CallOptions } from "./grpc/call.ts";
import { brokeInTheMiddle } from "./grpc/status.ts";

/** Calls that only ask: made twice, they do no more than made once. */
const asking: ReadonlySet<DescMethod> = new Set([
  DeviceService.method.list,
  DeviceService.method.commands,
  DeviceService.method.details,
  LabService.method.list,
  LabService.method.describe,
  RunService.method.listRuns,
]);

/**
 * Makes a call that only asks a second time, within its deadline, when its connection was lost under it or the peer took
 * no more calls on it: the peer may just have been replaced by another one at its address. Throws what the call throws.
 */
export async function onceMore<T>(
  method: DescMethod,
  options: CallOptions,
  call: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  try {
    return await call(options);
  } catch (error) {
    if (!asking.has(method) || !(error instanceof DutError) || !brokeInTheMiddle(error)) {
      throw error;
    }
    const { timeoutMs } = options;
    const left = timeoutMs === undefined ? {} : { timeoutMs: Math.max(1, timeoutMs - (performance.now() - begun)) };
    return call({ ...options, ...left });
  }
}

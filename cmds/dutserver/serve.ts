import { explain, messageOf } from "#pkg/errors/dut-error.ts";
import { openHealth } from "#pkg/health/open-health.ts";
import type { Log } from "#pkg/log/log.ts";
import { untilAborted } from "#pkg/program/daemon.ts";
import { formatAddress } from "#pkg/protocol/address.ts";
import { DeviceService, RelayService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { serverHandler } from "./handler.ts";
import { Inventory } from "./inventory/inventory.ts";
import type { Options } from "./options.ts";
import { Registry } from "./registry.ts";

/** How long runs that are being forwarded may go on after the signal to stop. */
const drainMs = 15_000;

/** Those of which grpc.health.v1 tells. */
const services = [DeviceService, RelayService, LabService, RunService].map(({ typeName }) => typeName);

/** Serves until the signal, then drains. Resolves with the exit status. */
export async function serve(options: Options, signal: AbortSignal, log: Log): Promise<number> {
  using registry = new Registry();
  using inventory = new Inventory(registry);
  await using health = await openHealth({ program: "dutserver", address: options.health, log });
  if (health === undefined) {
    return 1;
  }
  const { metrics } = health;
  const routes = health.routes(services);
  const handler = serverHandler({ registry, inventory, log, metrics, runLimits: options.runLimits, routes });
  let listener: Listener;
  try {
    listener = await listen(options.listen, health.before(handler), {
      log: log.with({ scope: "rpc" }),
      insecure: options.insecure,
      metrics,
    });
  } catch (error) {
    log.error("cannot listen", { addr: formatAddress(options.listen), err: explain(error) });
    return 1;
  }
  await using open = listener;
  log.info("rpc service listening", { addr: formatAddress(open.address) });
  await untilAborted(signal);
  log.info("shutting down", { signal: String(signal.reason) });
  health.readiness.leave("dutserver is shutting down");
  // Who watches would stay for as long as he may.
  inventory[Symbol.dispose]();
  try {
    await open.drain(AbortSignal.timeout(drainMs));
  } catch (error) {
    log.warn("graceful shutdown did not fully drain in time", { err: messageOf(error) });
  }
  return 0;
}

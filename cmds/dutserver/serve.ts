import { explain, messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Daemon, untilAborted } from "#pkg/program/daemon.ts";
import { openTls } from "#pkg/program/tls/open-tls.ts";
import { formatAddress } from "#pkg/protocol/address.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { serverHandler } from "./handler.ts";
import { Inventory } from "./inventory/inventory.ts";
import type { Options } from "./options.ts";
import { Registry } from "./registry.ts";

/** How long runs that are being forwarded may go on after the signal to stop. */
const drainMs = 15_000;

/** Serves until the signal, then drains. Reads its certificates again at SIGHUP. Resolves with the exit status. */
export async function serve(
  options: Options,
  { signal, onHangUp }: Pick<Daemon, "signal" | "onHangUp">,
  log: Log,
): Promise<number> {
  using tls = await openTls(options.tls, log);
  if (tls === undefined) {
    return 1;
  }
  using registry = new Registry();
  using inventory = new Inventory(registry);
  let listener: Listener;
  try {
    listener = await listen(options.listen, serverHandler(registry, inventory, log), {
      log: log.with({ scope: "rpc" }),
      insecure: options.insecure,
      tls: tls.listening,
    });
  } catch (error) {
    log.error("cannot listen", { addr: formatAddress(options.listen), err: explain(error) });
    return 1;
  }
  await using open = listener;
  log.info("rpc service listening", { addr: formatAddress(open.address) });
  using _ = onHangUp(() => void tls.renew(open));
  await untilAborted(signal);
  log.info("shutting down", { signal: String(signal.reason) });
  // Who watches would stay for as long as he may.
  inventory[Symbol.dispose]();
  try {
    await open.drain(AbortSignal.timeout(drainMs));
  } catch (error) {
    log.warn("graceful shutdown did not fully drain in time", { err: messageOf(error) });
  }
  return 0;
}

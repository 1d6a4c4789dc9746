import type { Locks } from "#pkg/lock/locks.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Bench } from "#pkg/session/bench.ts";
import type { Bell } from "./bell.ts";
import type { ConfigSource } from "./config-source.ts";

interface Reloading {
  readonly bell: Bell;
  readonly config: ConfigSource;
  readonly bench: Bench;
  readonly locks: Locks;
  /** Reads the certificates again. */
  readonly renewTls: () => Promise<void>;
  readonly log: Log;
}

/**
 * Reads the certificates and the configuration at every ring and lets the bench have it, until the signal. A file with problems changes
 * nothing. Does not wait until every device has changed: a run may take long, and the next ring counts at once.
 */
export async function reloadAtEveryRing(
  { bell, config, bench, locks, renewTls, log }: Reloading,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await bell.heard(signal);
    if (signal.aborted) {
      return;
    }
    await renewTls();
    const next = await config.read("configuration not changed");
    if (next !== undefined) {
      const done = bench.reload(next, locks);
      const waiting = Array.from(bench.devices.values())
        .filter(({ config, retiring }) => retiring !== undefined && locks.holdOf(config.name) !== undefined)
        .map(({ config }) => config.name);
      log.info("configuration reloaded", { waiting });
      void done.then(() => log.info("all devices are as configured"));
    }
  }
}

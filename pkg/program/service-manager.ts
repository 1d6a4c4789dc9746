import { execFile } from "node:child_process";

/** Who started this process and wants to know how it is: systemd, for a unit of `Type=notify`. Disposing says that the process is stopping. */
export interface ServiceManager extends Disposable {
  /** The process serves now. From then on it is told to be alive as often as it wants. */
  ready(): void;
}

type Environment = Record<string, string | undefined>;

/** A Pi under load may take this long to start a program. */
const tellMs = 10_000;

/**
 * Finds the manager in the environment (sd_notify(3), sd_watchdog_enabled(3)) and takes what it left there away, so that
 * no other program speaks for this one. Node has no datagram sockets of files: systemd-notify(1) tells it, which takes
 * `NotifyAccess=all` in the unit. `failed` is told why that did not work.
 */
export function serviceManager(env: Environment, failed: (reason: string) => void): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog = "" } = env;
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) {
    delete env[name];
  }
  let beat: NodeJS.Timeout | undefined;
  const tell = (...words: readonly string[]) => {
    if (socket !== undefined) {
      const told = { env: { ...env, NOTIFY_SOCKET: socket }, timeout: tellMs };
      execFile(
        "systemd-notify",
        words,
        told,
        (error) => error && failed(`cannot tell the service manager: ${error.message.trim()}`),
      );
    }
  };
  return {
    ready() {
      tell("--ready");
      if (/^[1-9]\d*$/.test(watchdog)) {
        // A third, so that one that comes late is no death.
        beat = setInterval(() => tell("WATCHDOG=1"), Number(watchdog) / 1000 / 3).unref();
      }
    },
    [Symbol.dispose]() {
      clearInterval(beat);
      tell("STOPPING=1");
    },
  };
}

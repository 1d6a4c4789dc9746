import { randomUUID } from "node:crypto";
import { resolveArguments } from "#pkg/config/resolve-arguments.ts";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Locks } from "#pkg/lock/locks.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Bench, OpenCommand } from "./bench.ts";
import { type Run, type Step, startRun } from "./run.ts";

/** What a client wants run. */
export interface RunRequest {
  readonly device: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The name under which the device is held. */
  readonly owner: string;
}

/** Runs commands on a bench: one at a time on a device, and none any more once it is stopped. */
export class RunEngine {
  readonly #bench: Bench;
  readonly #locks: Locks;
  readonly #log: Log;
  readonly #runs = new Set<Run>();
  #stopReason: DutError | undefined;

  constructor(bench: Bench, locks: Locks, log: Log) {
    this.#bench = bench;
    this.#locks = locks;
    this.#log = log;
  }

  /** Throws not_found naming what is not there. */
  find(device: string, command: string): OpenCommand {
    const commands = this.#bench.devices.get(device);
    const found = commands?.get(command);
    if (found === undefined) {
      const missing = commands === undefined ? "device" : "command";
      throw new DutError("not_found", `device ${quote(device)}, command ${quote(command)}: no such ${missing}`);
    }
    return found;
  }

  /**
   * Starts a run and holds its device until the last module has really stopped. Throws before anything has happened:
   * not_found, invalid_argument for arguments that do not fit, failed_precondition for a disabled command or a device in
   * use, unavailable while shutting down.
   */
  start(request: RunRequest): Run {
    const log = this.#log.with({ user: request.owner, device: request.device, command: request.command });
    let steps: readonly Step[];
    let hold: Disposable;
    try {
      steps = this.#prepare(request);
      const { device, command, owner } = request;
      hold = this.#locks.hold({ device, owner, resources: [], runId: randomUUID(), command });
    } catch (error) {
      log.info("run refused", { err: messageOf(error) });
      throw error;
    }
    log.info("run started");
    const run = startRun(steps, log);
    this.#runs.add(run);
    void run.stopped.then(() => {
      this.#runs.delete(run);
      hold[Symbol.dispose]();
      log.info("run ended");
    });
    return run;
  }

  #prepare({ device, command, args }: RunRequest): readonly Step[] {
    if (this.#stopReason !== undefined) {
      throw new DutError("unavailable", this.#stopReason.message);
    }
    const found = this.find(device, command);
    const resolved = resolveArguments(found.config, args);
    return found.modules().map(({ name, module }, index) => ({ name, module, args: resolved[index] ?? [] }));
  }

  /** Stops every run, starts no other, and resolves when the last module has stopped. */
  async stop(reason: DutError): Promise<void> {
    this.#stopReason = reason;
    const runs = Array.from(this.#runs);
    for (const run of runs) {
      run.stop(reason);
    }
    await Promise.all(runs.map((run) => run.stopped));
  }
}

import { randomUUID } from "node:crypto";
import type { CommandConfig } from "#pkg/config/config.ts";
import { resolveArguments } from "#pkg/config/resolve-arguments.ts";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Locks } from "#pkg/lock/locks.ts";
import { resourceNames } from "#pkg/lock/resource-names.ts";
import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import type { TerminalSize } from "#pkg/modules/session.ts";
import type { Attachment } from "./attachment.ts";
import type { Bench } from "./bench.ts";
import type { OpenCommand } from "./open-device.ts";
import { type ArgumentLimits, refuseUnfitRequest, usualArguments, usualRunsPerUser } from "./request-limits.ts";
import { Run } from "./run.ts";
import { RunHold } from "./run-hold.ts";
import { RunRegistry } from "./run-registry.ts";
import type { Plan } from "./steps/plan.ts";

/** What a client wants run. */
export interface RunRequest {
  readonly device: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The name under which the device is held. */
  readonly owner: string;
  /** The owner is one for this run alone, who is not counted. Default false. */
  readonly anonymous?: boolean;
  /** Default usualArguments. */
  readonly argumentLimits?: ArgumentLimits;
  /** Chosen by the client; without one the run gets one of ours. */
  readonly id?: string;
  readonly terminal?: { readonly type: string; readonly size: TerminalSize } | undefined;
  /** How long the run goes on when its client is lost, in milliseconds. Default 0: it is stopped at once. */
  readonly graceMs?: number;
}

export interface EngineOptions {
  /** How long an attached client may take nothing while something waits for it. Default a minute. */
  readonly stallMs?: number;
  /** How many runs of one user may go on at once. Default usualRunsPerUser. */
  readonly runsPerUser?: number;
  /** Default none. */
  readonly metrics?: Metrics;
}

/** The longest grace that may be asked for: what is longer is a run that nobody wants. */
const longestGraceMs = 24 * 3_600_000;

/** How often stalled clients are looked for. */
const lookMs = 5_000;

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** Runs commands on a bench: one at a time on a device, and none any more once it is stopped. */
export class RunEngine {
  readonly #bench: Bench;
  readonly #locks: Locks;
  readonly #log: Log;
  /** For refusals, of which clients can cause as many as they like. */
  readonly #refusals: Log;
  readonly #stallMs: number;
  readonly #runsPerUser: number;
  readonly #metrics: Metrics;
  readonly #runs = new RunRegistry();
  /** By device, of the run that has it. */
  readonly #holds = new Map<string, RunHold>();
  #watch: NodeJS.Timeout | undefined;
  #stopReason: DutError | undefined;

  constructor(bench: Bench, locks: Locks, log: Log, options: EngineOptions = {}) {
    const { stallMs = 60_000, runsPerUser = usualRunsPerUser, metrics = noMetrics } = options;
    this.#bench = bench;
    this.#locks = locks;
    this.#log = log;
    this.#refusals = sparing(log);
    this.#stallMs = stallMs;
    this.#runsPerUser = runsPerUser;
    this.#metrics = metrics;
  }

  /** Throws not_found naming what is not there. */
  find(device: string, command: string): OpenCommand {
    const commands = this.#bench.devices.get(device)?.commands;
    const found = commands?.get(command);
    if (found === undefined) {
      const missing = commands === undefined ? "device" : "command";
      throw new DutError("not_found", `device ${quote(device)}, command ${quote(command)}: no such ${missing}`);
    }
    return found;
  }

  /**
   * Starts a run and holds its device until the last module has really stopped. The result is its first client. Throws
   * before anything has happened: not_found, invalid_argument for arguments that do not fit, already_exists for an id
   * that was used, failed_precondition for a disabled command or a device in use, resource_exhausted for arguments or runs
   * beyond the limits, unavailable while shutting down.
   */
  start(request: RunRequest): Attachment {
    const { device, command, args, owner, id = randomUUID(), terminal, graceMs = 0 } = request;
    this.#refuseBeyondLimits(request);
    const about = { user: owner, device, command, run: id };
    const log = this.#log.with(about);
    try {
      refuseUnfit(id, graceMs);
      this.#runs.use(id);
      try {
        const { config } = this.find(device, command);
        const plan = this.#prepare(request);
        const hold = this.#hold(request, id, config, plan);
        log.info("run started");
        const facts = { id, device, command, args, owner, since: Date.now(), terminal, graceMs };
        // What comes after a step, or a second attempt of it, needs the device.
        const offered = plan.steps.length === 1 && plan.retries === 0 ? hold : undefined;
        return this.#begin(new Run(facts, { ...plan, hold: offered }, log), hold, log);
      } catch (error) {
        this.#runs.giveBack(id);
        throw error;
      }
    } catch (error) {
      this.#refusals.info("run refused", { ...about, err: messageOf(error) });
      throw error;
    }
  }

  /**
   * A client takes over its run, from an offset of the output. Throws not_found, permission_denied for a run of somebody
   * else, and invalid_argument for an offset that is not there yet.
   */
  attach(device: string, id: string, owner: string, from: { offset: number; size?: TerminalSize }): Attachment {
    const run = this.#ownRun(device, id, owner);
    const attachment = run.attach(from.offset, from.size);
    this.#log.info("client attached", { user: owner, device, run: id, offset: from.offset });
    return attachment;
  }

  /** Tells a run of the owner to end. Throws not_found and permission_denied. */
  cancel(device: string, id: string, owner: string, reason: string): void {
    this.#ownRun(device, id, owner).stop(canceledBecause(reason));
  }

  /** Runs that go on and those that ended lately, the newest first; of every device, or of one. */
  list(device?: string): readonly Run[] {
    return device === undefined ? this.#runs.all : this.#runs.all.filter(({ facts }) => facts.device === device);
  }

  /** Stops what runs on a device, for a reason that its client is told; resolves when it has really stopped. */
  async cancelRunsOn(device: string, reason: DutError): Promise<void> {
    const runs = this.#runsOn(device);
    for (const run of runs) {
      run.stop(reason);
    }
    await Promise.all(runs.map((run) => run.stopped));
  }

  /** Tells the clients of what runs on a device a sentence. */
  noticeRunsOn(device: string, text: string): void {
    for (const run of this.#runsOn(device)) {
      run.conversation.journal.say({ kind: "notice", text });
    }
  }

  /** Stops every run, starts no other, and resolves when the last one is over, which no module can put off for long. */
  async stop(reason: DutError): Promise<void> {
    this.#stopReason = reason;
    const runs = this.#runs.active;
    for (const run of runs) {
      run.stop(reason);
    }
    await Promise.all(runs.map((run) => run.over));
  }

  #prepare({ device, command, args }: RunRequest): Plan {
    if (this.#stopReason !== undefined) {
      throw new DutError("unavailable", this.#stopReason.message);
    }
    const found = this.find(device, command);
    const { config } = found;
    const resolved = resolveArguments(config, args);
    const steps = found.modules().map(({ name, module, when }, index) => ({
      name,
      module,
      when,
      args: resolved[index] ?? [],
    }));
    const { timeoutMs, retries, retryAfterMs } = config;
    return { steps, timeoutMs, retries, retryAfterMs };
  }

  /** The device for a run that does more than to look; undefined for one that only looks, and is in nobody's way. */
  #hold(
    { device, command, owner }: RunRequest,
    runId: string,
    { uses }: CommandConfig,
    { steps }: Plan,
  ): RunHold | undefined {
    if (uses.every(({ module }) => module.observes === true)) {
      return undefined;
    }
    const resources = resourceNames(uses.flatMap(({ module }) => module.resources));
    const wanted = { device, owner, resources, runId, command };
    const present = this.#holds.get(device);
    const takesOver = uses.some(({ module }, index) => module.takesOver?.(steps[index]?.args ?? []) === true);
    return takesOver && present?.isOfferedTo(owner) === true
      ? present.handOver(wanted)
      : new RunHold(this.#locks, wanted);
  }

  #refuseBeyondLimits(request: RunRequest): void {
    const { owner, anonymous = false, argumentLimits = usualArguments } = request;
    try {
      refuseUnfitRequest(request, argumentLimits);
    } catch (error) {
      this.#metrics.limitHit("run_arguments");
      this.#refusals.info("run refused", { user: owner, err: messageOf(error) });
      throw error;
    }
    const running = anonymous ? 0 : this.#runs.active.filter(({ facts }) => facts.owner === owner).length;
    if (running >= this.#runsPerUser) {
      this.#metrics.limitHit("runs_per_user");
      this.#refusals.info("run refused", { user: owner, device: request.device, running });
      throw new DutError(
        "resource_exhausted",
        `${quote(owner)} has ${running} runs here, which is all that a user may have`,
        {
          hint: "wait for one of them to end",
        },
      );
    }
  }

  #begin(run: Run, hold: RunHold | undefined, log: Log): Attachment {
    this.#runs.add(run);
    const { device } = run.facts;
    if (hold !== undefined) {
      this.#holds.set(device, hold);
    }
    const counted = this.#metrics.open("runs");
    this.#watch ??= setInterval(() => this.#look(), Math.min(this.#stallMs / 4, lookMs)).unref();
    void run.stopped.then(() => {
      hold?.[Symbol.dispose]();
      if (this.#holds.get(device) === hold) {
        this.#holds.delete(device);
      }
      counted[Symbol.dispose]();
      this.#runs.finish(run);
      log.info("run ended");
    });
    return run.client as Attachment;
  }

  /** What has a device: those that only look are nobody's business. */
  #runsOn(device: string): readonly Run[] {
    const runId = this.#holds.get(device)?.request.runId;
    return this.#runs.active.filter(({ facts }) => facts.device === device && facts.id === runId);
  }

  #ownRun(device: string, id: string, owner: string): Run {
    const run = this.#runs.find(device, id);
    if (run.facts.owner !== owner) {
      throw new DutError("permission_denied", `run ${quote(id)} belongs to ${quote(run.facts.owner)}`);
    }
    return run;
  }

  /** Ends runs whose clients take nothing, and forgets old ones. */
  #look(): void {
    for (const run of this.#runs.all) {
      if (run.conversation.journal.stalledMs >= this.#stallMs) {
        const limit = formatDuration(this.#stallMs);
        this.#metrics.limitHit("stalled_reader");
        run.endStalled(new DutError("resource_exhausted", `the client has taken no output for ${limit}`));
      }
    }
    this.#runs.prune();
    if (this.#runs.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
  }
}

/** The end of a run that its client wanted to end. */
export function canceledBecause(reason: string): DutError {
  return new DutError("canceled", reason === "" ? "module execution aborted: context canceled" : reason);
}

function refuseUnfit(id: string, graceMs: number): void {
  if (!idPattern.test(id)) {
    throw new DutError("invalid_argument", `run id ${quote(id)} is not 1 to 64 characters of A-Z a-z 0-9 - _`);
  }
  if (!(graceMs >= 0 && graceMs <= longestGraceMs)) {
    const longest = formatDuration(longestGraceMs);
    throw new DutError("invalid_argument", `a grace of ${graceMs} ms is not between 0 and ${longest}`);
  }
}

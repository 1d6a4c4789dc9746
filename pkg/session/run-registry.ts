import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Run } from "./run.ts";

/** How many ids are remembered, so that none is executed twice: some 8 MB, and weeks of a busy bench. */
const usedIds = 65_536;
/** How many runs that have ended are kept for ListRuns, and with their output for a client that has not heard the end. */
const endedRuns = 1_000;
const endedMs = 10 * 60_000;
/** What the outputs and the arguments of these may cost together, in bytes. */
const endedBytes = 64 * 1024 * 1024;
/**
 * The same for those whose clients have heard the end: not at once, since a client that is lost at the very end looks
 * like one that has heard it.
 */
const heardMs = 30_000;
const heardBytes = 8 * 1024 * 1024;
/** Counted for an argument besides its text. */
const argumentBytes = 16;

interface Ended {
  readonly run: Run;
  /** Of a clock that only goes forward, in milliseconds. */
  readonly at: number;
  /** What its arguments cost, in bytes. */
  readonly argumentsCost: number;
  /** Its output is gone; what is left is for ListRuns. */
  forgotten: boolean;
}

/** The runs of an agent by their ids: those that go on, and for a while those that ended. */
export class RunRegistry {
  readonly #used = new Set<string>();
  readonly #active = new Map<string, Run>();
  readonly #ended = new Map<string, Ended>();

  /** Makes an id one that was used. Throws already_exists when it is one already. */
  use(id: string): void {
    if (this.#used.has(id)) {
      throw new DutError("already_exists", `run ${quote(id)} was started before`, {
        hint: "attach to it, or choose another id",
      });
    }
    this.#used.add(id);
    if (this.#used.size > usedIds) {
      for (const oldest of this.#used) {
        if (!this.#active.has(oldest)) {
          this.#used.delete(oldest);
          break;
        }
      }
    }
  }

  /** Nothing came of a run that was to have this id. */
  giveBack(id: string): void {
    this.#used.delete(id);
  }

  add(run: Run): void {
    this.#active.set(run.facts.id, run);
  }

  /** Its last module has stopped. */
  finish(run: Run): void {
    const { id } = run.facts;
    this.#active.delete(id);
    const argumentsCost = run.facts.args.reduce((cost, arg) => cost + arg.length + argumentBytes, 0);
    this.#ended.set(id, { run, at: performance.now(), argumentsCost, forgotten: false });
    this.prune();
  }

  get active(): readonly Run[] {
    return Array.from(this.#active.values());
  }

  /** Those that go on and those that ended, the newest first. */
  get all(): readonly Run[] {
    const ended = Array.from(this.#ended.values(), ({ run }) => run);
    return [...ended, ...this.#active.values()].sort((a, b) => b.facts.since - a.facts.since);
  }

  get size(): number {
    return this.#active.size + this.#ended.size;
  }

  /** Throws not_found for a run that is not there, is another device's, or has told everything. */
  find(device: string, id: string): Run {
    const ended = this.#ended.get(id);
    const run = this.#active.get(id) ?? ended?.run;
    if (run === undefined || run.facts.device !== device) {
      throw new DutError("not_found", `device ${quote(device)} has no run ${quote(id)}`);
    }
    if (ended?.forgotten === true) {
      throw new DutError("not_found", `run ${quote(id)} has ended, and its client has heard all of it`);
    }
    return run;
  }

  /** Forgets what is too old or too much. */
  prune(): void {
    const now = performance.now();
    this.#forgetHeard(now);
    let bytes = this.#bytesOf(() => true);
    for (const { argumentsCost } of this.#ended.values()) {
      bytes += argumentsCost;
    }
    for (const [id, { run, at, argumentsCost }] of this.#ended) {
      if (now - at < endedMs && this.#ended.size <= endedRuns && bytes <= endedBytes) {
        return;
      }
      bytes -= run.conversation.journal.keptBytes + argumentsCost;
      this.#ended.delete(id);
    }
  }

  #forgetHeard(now: number): void {
    let bytes = this.#bytesOf(({ heard }) => heard);
    for (const ended of this.#ended.values()) {
      const { run, at, forgotten } = ended;
      if (run.heard && !forgotten && (now - at > heardMs || bytes > heardBytes)) {
        bytes -= run.conversation.journal.keptBytes;
        run.conversation.journal.forget();
        ended.forgotten = true;
      }
    }
  }

  #bytesOf(counts: (run: Run) => boolean): number {
    let bytes = 0;
    for (const { run } of this.#ended.values()) {
      bytes += counts(run) ? run.conversation.journal.keptBytes : 0;
    }
    return bytes;
  }
}

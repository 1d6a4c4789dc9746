import { escapeLabel } from "../output/escape.ts";
import type { Output } from "../output/output.ts";
import type { World } from "../world.ts";
import { fitted } from "./display-width.ts";
import { Meter } from "./meter.ts";
import { amountOf, clock, endLine, progressBar, progressLine } from "./progress-text.ts";
import type { Terminal } from "./terminal.ts";
import type { ProgressReport, Status } from "./user-console.ts";

/** Bars that are kept; a peer may name as many as it likes. */
const mostBars = 16;
/** Bars that are drawn at once. */
const mostDrawn = 4;
/** What is over before is not worth a bar. */
const barAfterMs = 300;
const frameMs = 100;
const frames = Array.from("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏");

/** What takes less is told by its result alone where progress is told in lines. */
const lineAfterMs = 2_000;
const lineEveryMs = 10_000;

/** How often a program is told. */
const objectEveryMs = 1_000;

interface Going {
  readonly meter: Meter;
  readonly sinceMs: number;
  report: ProgressReport;
  /** When it was last told in a line or an object. */
  toldMs: number | undefined;
}

/** Shows what is going on as the format and the streams of a world allow. Structured formats are told nothing but by jsonl. */
export function openStatus(world: World, out: Output, runId?: string): Status & { covered(on: boolean): void } {
  return new WorldStatus(world, out, runId);
}

class WorldStatus implements Status {
  readonly #world: World;
  readonly #out: Output;
  readonly #run: { readonly runId?: string };
  /** There when bars can be drawn. */
  readonly #terminal: Terminal | undefined;
  readonly #going = new Map<string, Going>();
  #waiting: { readonly reason: string; readonly sinceMs: number } | undefined;
  #told: string | undefined;
  /** A device draws on the screen. */
  #covered = false;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(world: World, out: Output, runId: string | undefined) {
    this.#world = world;
    this.#out = out;
    this.#run = runId === undefined ? {} : { runId };
    this.#terminal = out.format === "text" && world.stderr.isTerminal ? world.terminal : undefined;
  }

  progress(report: ProgressReport): void {
    const nowMs = this.#now();
    const going = this.#going.get(report.key) ?? { meter: new Meter(), sinceMs: nowMs, report, toldMs: undefined };
    going.report = report;
    going.meter.add(report.done, nowMs);
    if (report.finished) {
      this.#going.delete(report.key);
    } else {
      this.#keep(report.key, going);
    }
    if (this.#terminal !== undefined) {
      this.#draw();
    } else if (this.#out.format === "jsonl") {
      this.#tellObject(going, nowMs);
    } else if (this.#out.format === "text") {
      this.#tellLine(going, nowMs);
    }
  }

  waiting(reason: string | undefined): void {
    if (reason !== this.#waiting?.reason) {
      const sinceMs = this.#waiting?.sinceMs ?? this.#now();
      this.#waiting = reason === undefined ? undefined : { reason, sinceMs };
    }
    if (this.#terminal !== undefined) {
      this.#draw();
    } else if (reason !== undefined && reason !== this.#told) {
      this.#told = reason;
      this.#write({ type: "notice", data: reason });
    }
  }

  covered(on: boolean): void {
    this.#covered = on;
    this.#draw();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#going.clear();
    this.#waiting = undefined;
    this.#draw();
    await this.#last;
    await this.#terminal?.footer.show([]);
  }

  #keep(key: string, going: Going): void {
    this.#going.set(key, going);
    if (this.#going.size > mostBars) {
      const [oldest] = this.#going.keys();
      this.#going.delete(oldest as string);
    }
  }

  #draw(): void {
    if (this.#terminal === undefined) {
      return;
    }
    const isIdle = this.#covered || (this.#going.size === 0 && this.#waiting === undefined);
    if (isIdle) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      void this.#terminal.footer.show([]);
    } else if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#drawFrame(), frameMs);
      this.#timer.unref();
      this.#drawFrame();
    }
  }

  #drawFrame(): void {
    const terminal = this.#terminal as Terminal;
    const nowMs = this.#now();
    const { rows, columns } = terminal.size();
    // The last column stays free: some terminals break the line behind it, others do not.
    const width = Math.max(1, columns - 1);
    const ripe = [...this.#going.values()].filter(({ sinceMs }) => nowMs - sinceMs >= barAfterMs);
    const bars = ripe.slice(0, mostDrawn).map((going) => progressBar(this.#amount(going, nowMs), width));
    const lines = [...bars, ...this.#waitingLine(nowMs, width)];
    void terminal.footer.show(lines.slice(0, Math.max(1, rows - 1)));
  }

  #waitingLine(nowMs: number, width: number): string[] {
    if (this.#waiting === undefined) {
      return [];
    }
    const { reason, sinceMs } = this.#waiting;
    const frame = frames[Math.floor(nowMs / frameMs) % frames.length];
    const waited = clock(Math.floor((nowMs - sinceMs) / 1000));
    return [fitted(`${frame} ${escapeLabel(reason, 300)}${waited === undefined ? "" : ` (waited ${waited})`}`, width)];
  }

  #amount({ report, meter }: Going, nowMs: number) {
    return amountOf(report, meter.rate(report.done, nowMs));
  }

  #tellLine(going: Going, nowMs: number): void {
    const { report, sinceMs, toldMs } = going;
    const isDue = toldMs === undefined ? nowMs - sinceMs >= lineAfterMs : nowMs - toldMs >= lineEveryMs;
    if (isDue || (report.finished && toldMs !== undefined)) {
      going.toldMs = nowMs;
      const amount = this.#amount(going, nowMs);
      const data = report.finished ? endLine(amount, (nowMs - sinceMs) / 1000) : progressLine(amount);
      this.#write({ type: "notice", data });
    }
  }

  #tellObject(going: Going, nowMs: number): void {
    const { label, done, total, unit, finished } = going.report;
    if (finished || going.toldMs === undefined || nowMs - going.toldMs >= objectEveryMs) {
      going.toldMs = nowMs;
      this.#write({ type: "progress", data: { label, done, total, unit, finished } });
    }
  }

  /** Whoever shows something that matters learns that nobody reads any more. */
  #write(content: Parameters<Output["write"]>[0]): void {
    const written = this.#out.write({ ...content, ...this.#run });
    this.#last = Promise.all([this.#last, written.catch(() => {})]).then(() => {});
  }

  #now(): number {
    return this.#world.now().getTime();
  }
}

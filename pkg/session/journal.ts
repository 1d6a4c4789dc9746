import { setImmediate } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { Deque } from "./deque.ts";
import { joined } from "./joined.ts";
import { type Entry, lengthOf, parted, type RunEvent } from "./run-event.ts";

/**
 * Output that a run may be ahead of what its client has taken, in bytes, and what is kept of the output for a client
 * that attaches: enough to keep a fast link busy, little enough that a thousand stalled runs can be borne.
 */
const outputBytes = 1024 * 1024;
/** The same for the chunks of files, which are larger. */
const fileBytes = 4 * 1024 * 1024;
/** Counted for an event that is never dropped, besides its bytes. */
const eventBytes = 64;
/** Events that wait to be sent to an attached client: more would only grow old. */
const queuedEvents = 1024;
/** Events that are kept of the output, so that many small ones are bounded too. */
const keptEvents = 16 * 1024;
/** Notices that wait to be sent: who causes them is not slowed down by a client that does not read. */
const queuedNotices = 16;
/** Events that a client has been sent and has not taken; twice what may be in the bytes that a client takes at once. */
const sentEvents = 128 * 1024;

/** How long a run that was stopped waits for a client that takes nothing, in milliseconds. */
const hurriedMs = 1000;

/**
 * Everything a run says, each event at its offset, bounded. While a client is attached, output waits for what the client
 * takes; while none is, the oldest printable output is dropped. What was printed last is kept after it was taken.
 */
export class Journal {
  /** Taken, and kept for a client that attaches from an earlier offset. Printable only. */
  readonly #past = new Deque<Entry>();
  /** With the client, which has not taken it yet. */
  readonly #sent = new Deque<Entry>();
  readonly #queued = new Deque<Entry>();
  #pastBytes = 0;
  /** Printable bytes, and the cost of the others, in what is sent and queued. */
  #printedBytes = 0;
  #lastingCost = 0;
  #end = 0;
  #taken = 0;
  #client: "attached" | "absent" = "absent";
  /** `hurried`: what is printed waits for a moment only; `dropping`: that is over. */
  #pace: "usual" | "hurried" | "dropping" = "usual";
  #patience: NodeJS.Timeout | undefined;
  #closed: { readonly reason: unknown } | undefined;
  /** What was said last of a run that is over. */
  #farewell: Entry | undefined;
  /** The file that was asked for last. */
  #request: Entry | undefined;
  #waiting = 0;
  #movedAt = performance.now();
  #room: PromiseWithResolvers<void> | undefined;
  #news: PromiseWithResolvers<void> | undefined;

  /** How many bytes there have been. */
  get end(): number {
    return this.#end;
  }

  /** What is kept, in bytes and what events cost besides. */
  get keptBytes(): number {
    return this.#pastBytes + this.#printedBytes + this.#lastingCost;
  }

  /** For how long an attached client has taken nothing, in milliseconds, while something waits for it; else 0. */
  get stalledMs(): number {
    const waits = this.#waiting > 0 || (this.#closed !== undefined && this.#taken < this.#end);
    return this.#client === "attached" && waits ? performance.now() - this.#movedAt : 0;
  }

  /** Whether nothing more is said. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Whether everything has been said and sent. */
  get over(): boolean {
    return this.#closed !== undefined && this.#queued.length === 0;
  }

  /**
   * Resolves when the event has its place, or was dropped in a hurry. Rejects with the reason once nothing more is to be
   * said, and with that of the signal when it aborts before there is room.
   */
  async put(event: RunEvent, signal?: AbortSignal): Promise<void> {
    const length = lengthOf(event);
    while (this.#closed === undefined && !this.#fits(event, length)) {
      signal?.throwIfAborted();
      if (this.#pace === "dropping" && isPrintable(event)) {
        this.say({ kind: "notice", text: "some of the output is missing here: the client did not take it in time" });
        return;
      }
      await this.#roomMade(signal);
    }
    if (this.#closed !== undefined) {
      throw this.#closed.reason;
    }
    this.say(event, length);
    if (this.#client === "absent") {
      // Nothing slows the run down now: others are let in between.
      await setImmediate();
    }
  }

  /**
   * Keeps an event without waiting: for the few that the engine itself says. A notice that waits already is not kept twice,
   * and none beyond 16.
   */
  say(event: RunEvent, length = lengthOf(event)): void {
    if (this.#closed !== undefined) {
      return;
    }
    if (event.kind === "notice" && !this.#hasRoomFor(event.text)) {
      return;
    }
    const { last } = this.#queued;
    if (event.kind === "progress" && last?.event.kind === "progress") {
      // Only the newest is of interest.
      this.#queued.replaceLast({ ...last, event });
      return;
    }
    const entry: Entry = { offset: this.#end, length, event };
    if (event.kind === "end") {
      this.#farewell = entry;
    } else if (event.kind === "file-request") {
      this.#request = entry;
    }
    this.#end += length;
    this.#account(entry, 1);
    if (this.#client === "absent") {
      appendJoined(this.#queued, entry);
      this.#dropOldest();
    } else {
      this.#queued.push(entry);
    }
    this.wake();
  }

  /** What is printed from now on waits no longer than a second for a client that takes nothing, and then is dropped. */
  hurry(): void {
    this.#pace = "hurried";
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#pace = "dropping";
      this.#makeRoom();
    }, hurriedMs);
  }

  /** There is time again. */
  calm(): void {
    clearTimeout(this.#patience);
    this.#pace = "usual";
  }

  /** Nothing more is said: whoever waits to say something is rejected with the reason. */
  close(reason: unknown): void {
    if (this.#closed === undefined) {
      clearTimeout(this.#patience);
      this.#closed = { reason };
      this.#movedAt = performance.now();
      this.#makeRoom();
      this.wake();
    }
  }

  /** The next event for the client, if there is one. */
  next(): Entry | undefined {
    const entry = this.#queued.shift();
    if (entry !== undefined) {
      appendJoined(this.#sent, entry);
      if (this.#waiting > 0) {
        this.#makeRoom();
      }
    }
    return entry;
  }

  /** Resolves when there may be something new for the client. */
  get news(): Promise<void> {
    this.#news ??= Promise.withResolvers();
    return this.#news.promise;
  }

  wake(): void {
    this.#news?.resolve();
    this.#news = undefined;
  }

  /** The client has dealt with everything below an offset. Throws invalid_argument for what it cannot have seen. */
  take(offset: number): void {
    this.#refuseBeyond(offset);
    if (offset <= this.#taken) {
      return;
    }
    this.#taken = offset;
    this.#movedAt = performance.now();
    if (this.#pace !== "usual" && this.#closed === undefined) {
      this.hurry();
    }
    for (let first = this.#sent.first; first !== undefined && endOf(first) <= offset; first = this.#sent.first) {
      this.#sent.shift();
      this.#account(first, -1);
      this.#remember(first);
    }
    this.#makeRoom();
  }

  /**
   * A client is there that has dealt with everything below an offset and wants the rest; the end of a run that is over is
   * said again, and with `asksAgain` the last request for a file. Throws as take does.
   */
  attach(offset: number, { asksAgain = false } = {}): void {
    this.#refuseBeyond(offset);
    const kept = [...this.#past.drain(), ...this.#sent.drain(), ...this.#queued.drain()];
    if (asksAgain && this.#request !== undefined && !kept.includes(this.#request)) {
      kept.push(this.#request);
      kept.sort((a, b) => a.offset - b.offset);
    }
    this.#pastBytes = 0;
    this.#printedBytes = 0;
    this.#lastingCost = 0;
    if (this.#farewell !== undefined && kept.at(-1)?.event.kind !== "end") {
      kept.push(this.#farewell);
    }
    for (const entry of kept) {
      if (endOf(entry) <= offset && entry !== this.#farewell) {
        this.#remember(entry);
      } else {
        const [heard, rest] = parted(entry, offset) ?? [undefined, entry];
        if (heard !== undefined) {
          this.#remember(heard);
        }
        this.#account(rest, 1);
        this.#queued.push(rest);
      }
    }
    this.#taken = Math.max(offset, this.#queued.first?.offset ?? this.#end);
    this.#movedAt = performance.now();
    this.#client = "attached";
    this.wake();
    this.#makeRoom();
  }

  /** The client is gone; what it has not taken waits for the next. */
  detach(): void {
    this.#client = "absent";
    for (const entry of [...this.#sent.drain(), ...this.#queued.drain()]) {
      appendJoined(this.#queued, entry);
    }
    this.#dropOldest();
    this.#makeRoom();
  }

  /** Gives up everything that is kept. */
  forget(): void {
    for (const entries of [this.#past, this.#sent, this.#queued]) {
      entries.drain();
    }
    this.#pastBytes = 0;
    this.#printedBytes = 0;
    this.#lastingCost = 0;
    this.#taken = this.#end;
  }

  /** Resolves when there may be room, or when the signal has aborted. */
  async #roomMade(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting === 0) {
      this.#movedAt = performance.now();
    }
    this.#waiting += 1;
    const look = () => this.#makeRoom();
    signal?.addEventListener("abort", look, { once: true });
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
    signal?.removeEventListener("abort", look);
    this.#waiting -= 1;
  }

  #fits(event: RunEvent, length: number): boolean {
    const lasting = !isPrintable(event);
    if (this.#client === "absent") {
      return !lasting || this.#lastingCost === 0 || this.#lastingCost + length <= fileBytes;
    }
    const ahead = this.#end - this.#taken;
    const bound = event.kind === "file-chunk" ? fileBytes : outputBytes;
    return (
      ahead === 0 || (ahead + length <= bound && this.#queued.length < queuedEvents && this.#sent.length < sentEvents)
    );
  }

  #hasRoomFor(notice: string): boolean {
    const waiting = this.#queued.filter(({ event }) => event.kind === "notice").map(({ event }) => event);
    return (
      waiting.length < queuedNotices &&
      this.#sent.length < sentEvents &&
      !waiting.some((event) => event.kind === "notice" && event.text === notice)
    );
  }

  #account({ event, length }: Entry, sign: 1 | -1): void {
    if (isPrintable(event)) {
      this.#printedBytes += sign * length;
    } else {
      this.#lastingCost += sign * (length + eventBytes);
    }
  }

  #remember(entry: Entry): void {
    if (isPrintable(entry.event)) {
      appendJoined(this.#past, entry);
      this.#pastBytes += entry.length;
      while (this.#pastBytes > outputBytes || this.#past.length > keptEvents) {
        this.#pastBytes -= this.#past.shift()?.length ?? 0;
      }
    }
  }

  #dropOldest(): void {
    while (this.#pastBytes > 0 && this.#pastBytes + this.#printedBytes > outputBytes) {
      this.#pastBytes -= this.#past.shift()?.length ?? 0;
    }
    while (this.#printedBytes > outputBytes || (this.#printedBytes > 0 && this.#queued.length > keptEvents)) {
      const dropped = this.#queued.remove(({ event }) => isPrintable(event));
      if (dropped === undefined) {
        return;
      }
      this.#printedBytes -= dropped.length;
    }
  }

  #refuseBeyond(offset: number): void {
    if (!(offset >= 0 && offset <= this.#end)) {
      throw new DutError("invalid_argument", `offset ${offset} is beyond the end of the output, which is ${this.#end}`);
    }
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

function endOf({ offset, length }: Entry): number {
  return offset + length;
}

/** What may be dropped while nobody is attached. */
function isPrintable({ kind }: RunEvent): boolean {
  return kind === "print" || kind === "stdout" || kind === "stderr" || kind === "notice" || kind === "progress";
}

function appendJoined(entries: Deque<Entry>, entry: Entry): void {
  const { last } = entries;
  const both = last === undefined ? undefined : joined(last, entry);
  if (both === undefined) {
    entries.push(entry);
  } else {
    entries.replaceLast(both);
  }
}

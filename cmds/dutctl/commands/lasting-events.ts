import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { DeviceEvent } from "../output/content.ts";
import type { Context } from "./context.ts";
import { deviceEvents } from "./device-events.ts";

/** Between attempts to find a lost peer again. Milliseconds. */
const retryMs = 1_000;
/** How long a server that was started anew may not know the device of an agent that has to come back. Milliseconds. */
const strangeMs = 30_000;

/** Told what becomes of the contact. Each is waited for. */
export interface ContactNews {
  /** Once for every loss. */
  lost(reason: DutError): Promise<void> | void;
  found(): Promise<void> | void;
}

/** A peer that was reached once and is looked for again whenever it is lost. */
export class Contact {
  readonly #news: ContactNews;
  #state: "new" | "connected" | "lost" = "new";
  #strangeUntil: number | undefined;

  constructor(news: ContactNews) {
    this.#news = news;
  }

  get isLost(): boolean {
    return this.#state === "lost";
  }

  /**
   * The events of `deviceEvents` over as many connections as it takes, until the signal is aborted, which throws. Each
   * connection begins with a snapshot. Throws when a peer cannot be reached that never was, and every other refusal.
   */
  async *events(
    device: string | undefined,
    context: Pick<Context, "connection" | "devices" | "options">,
    signal: AbortSignal,
  ): AsyncGenerator<DeviceEvent> {
    for (;;) {
      try {
        for await (const event of deviceEvents(device, context, signal)) {
          await this.#connected();
          yield event;
        }
      } catch (error) {
        signal.throwIfAborted();
        await this.#lost(error);
      }
      await setTimeout(retryMs, undefined, { signal });
    }
  }

  async #connected(): Promise<void> {
    const was = this.#state;
    this.#state = "connected";
    this.#strangeUntil = undefined;
    if (was === "lost") {
      await this.#news.found();
    }
  }

  async #lost(error: unknown): Promise<void> {
    if (this.#state === "new" || !(error instanceof DutError) || !this.#isLoss(error)) {
      throw error;
    }
    if (this.#state === "connected") {
      this.#state = "lost";
      await this.#news.lost(error);
    }
  }

  #isLoss({ code }: DutError): boolean {
    if (code === "unavailable") {
      this.#strangeUntil = undefined;
      return true;
    }
    if (code !== "not_found" || this.#state !== "lost") {
      return false;
    }
    this.#strangeUntil ??= performance.now() + strangeMs;
    return performance.now() < this.#strangeUntil;
  }
}

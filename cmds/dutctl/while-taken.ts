import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import { brokeInTheMiddle } from "#pkg/protocol/grpc/status.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { Context } from "./commands/context.ts";
import { Contact } from "./commands/lasting-events.ts";
import { CommandFailed, RunLost } from "./commands/run/endings.ts";
import { isTaken } from "./exit-codes.ts";
import { clockTime } from "./output/clock-time.ts";
import type { DeviceRow } from "./output/content.ts";
import { openStatus } from "./terminal/open-status.ts";
import type { Status } from "./terminal/user-console.ts";

/** Between a refusal and the next attempt: what hinders it may be hardware that another device uses. Milliseconds. */
const retryMs = 1_000;

/**
 * Waits until nobody else has the device and makes an attempt, until one is not refused because somebody else was faster.
 * Tells who has the device and until when. A peer that goes away meanwhile is looked for until the time of -wait is over,
 * which throws a refusal; any other error ends the waiting too. The waiting comes first: an attempt by the old protocol
 * takes input with it that a second one would lack.
 */
export async function whileTaken(device: string, context: Context, attempt: () => Promise<void>): Promise<void> {
  const { options, server, world } = context;
  using patience = new Patience(options.waitMs);
  const signal = AbortSignal.any([world.signal, patience.signal]);
  await using status = openStatus(world, context.out);
  const contact = new Contact({
    lost: ({ message }) => status.waiting(`waiting: cannot reach ${server} (${message}), trying again`),
    found() {},
  });
  const queue = new Queue(device, context, { contact, status, signal, patience });
  const patiently = async (wait: Promise<unknown>) => {
    try {
      await wait;
    } catch (error) {
      const { refusal } = queue;
      const isOver = patience.signal.aborted && !world.signal.aborted;
      if (!isOver) {
        throw error;
      }
      throw refusal === undefined ? unanswered(device, server) : outwaited(refusal, context, contact);
    }
  };
  for (;;) {
    await patiently(queue.freed());
    status.waiting(undefined);
    if (await queue.attempt(attempt)) {
      return;
    }
    await patiently(setTimeout(retryMs, undefined, { signal }));
  }
}

/** The refusal that stands when the time of -wait is over. */
function outwaited(refusal: DutError, { options, server }: Context, { isLost }: Contact): DutError {
  const waited = `${formatDuration(options.waitMs)} of waiting`;
  return new DutError(refusal.code, refusal.message, {
    cause: refusal,
    hint: isLost ? `so it was when ${server} was reached last; ${waited} are over` : `still so after ${waited}`,
  });
}

function unanswered(device: string, server: string): DutError {
  return new DutError("deadline_exceeded", `${server} does not say who has device ${quote(device)}`);
}

interface Waiting {
  readonly contact: Contact;
  readonly status: Status;
  readonly signal: AbortSignal;
  readonly patience: Patience;
}

/** The wait for one device. */
class Queue {
  readonly #device: string;
  readonly #context: Context;
  readonly #waiting: Waiting;
  #refusal: DutError | undefined;
  /** Somebody was faster at the last attempt, or has hardware of the device by another one. */
  #wasRefused = false;

  constructor(device: string, context: Context, waiting: Waiting) {
    this.#device = device;
    this.#context = context;
    this.#waiting = waiting;
  }

  /** What an attempt was or would have been refused with, as far as that is known. */
  get refusal(): DutError | undefined {
    return this.#refusal;
  }

  /** Resolves when nobody else has the device, as far as its own state tells: that may be at once. */
  async freed(): Promise<void> {
    const { contact, status, signal } = this.#waiting;
    for await (const { devices, change } of contact.events(this.#device, this.#context, signal)) {
      const row = devices.find(({ name }) => name === this.#device);
      const holder = row === undefined ? undefined : holderOf(row, this.#context);
      if (holder !== undefined) {
        this.#refuse(new DutError("failed_precondition", `device ${quote(this.#device)} is locked by ${holder.name}`));
        status.waiting(`waiting: device ${quote(this.#device)} is ${holder.text}`);
        continue;
      }
      if (row?.state === "offline" && this.#refusal !== undefined) {
        status.waiting(`waiting: device ${quote(this.#device)} is offline`);
        continue;
      }
      if (this.#wasRefused && this.#refusal !== undefined && change.kind === "snapshot") {
        status.waiting(`waiting: ${this.#refusal.message}`);
      }
      return;
    }
  }

  /** True when it has succeeded; false when it came too early, or the peer has just gone away and nothing was begun. */
  async attempt(attempt: () => Promise<void>): Promise<boolean> {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (!(error instanceof DutError)) {
        throw error;
      }
      this.#wasRefused = isTaken(error);
      if (this.#wasRefused) {
        this.#refuse(error);
      } else if (this.#refusal === undefined || !isUnreached(error)) {
        throw error;
      }
      return false;
    }
  }

  #refuse(refusal: DutError): void {
    this.#refusal = refusal;
    this.#waiting.patience.begin();
  }
}

/** True when the peer could not be reached, so that nothing was begun. */
function isUnreached(error: DutError): boolean {
  const isOfRun = error instanceof CommandFailed || error instanceof RunLost;
  return error.code === "unavailable" && !isOfRun && !brokeInTheMiddle(error);
}

/** Who else has a device and until when. */
function holderOf(
  { lock, hold }: DeviceRow,
  { identity, world }: Context,
): { readonly name: string; readonly text: string } | undefined {
  const now = world.now();
  if (hold !== undefined) {
    const name = quote(hold.owner);
    const since = hold.sinceMs === 0 ? "" : ` since ${clockTime(hold.sinceMs, now)}`;
    return { name, text: `in use by ${name}${since}${hold.command === "" ? "" : ` (${hold.command})`}` };
  }
  if (lock === undefined || lock.owner === identity) {
    return undefined;
  }
  const name = quote(lock.owner);
  return { name, text: `locked by ${name} until ${clockTime(lock.untilMs, now)}` };
}

/**
 * The time for waiting. It begins with the first refusal, since who has not been answered yet waits for no device; but not
 * later than an answer may take.
 */
class Patience implements Disposable {
  readonly #waitMs: number;
  readonly #over = new AbortController();
  readonly #latest: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
    this.#latest = globalThis.setTimeout(() => this.begin(), limits.unaryMs);
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  begin(): void {
    if (Number.isFinite(this.#waitMs)) {
      this.#timer ??= globalThis.setTimeout(() => this.#over.abort(), this.#waitMs);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#latest);
    clearTimeout(this.#timer);
  }
}

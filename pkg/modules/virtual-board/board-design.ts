import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";

/** What every virtual board is made of. Paths are absolute. */
export interface BoardPlan {
  /** The directory that is this board's alone. */
  readonly state: string;
  readonly disk: string;
  /** The symbolic link to the serial console. */
  readonly console: string;
  /** The largest image that the disk may be replaced by. */
  readonly limitBytes: number;
  /** How long an orderly end is waited for. */
  readonly graceMs: number;
}

/** What kind of board it is: how its power is switched, and what that needs and leaves. */
export interface BoardDesign<M extends Machine> {
  readonly plan: BoardPlan;
  /** Each process of this board has one of these as an argument, and no process of another board has. */
  readonly marks: readonly string[];
  /** Files and directories that nothing but an agent that was killed leaves. */
  readonly leftovers: readonly string[];
  /** The options to look at when the board does not start. */
  readonly startHint: string;
  /** Throws failed_precondition when the computer lacks what the board needs. */
  check(host: Host): Promise<void>;
  /** Switches the board on, with a device as its serial port. Throws with everything released. */
  start(device: string, context: StartContext): Promise<M>;
}

export interface StartContext {
  readonly host: Host;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A board that has power. Disposing cuts it. */
export interface Machine extends AsyncDisposable {
  readonly pid: number;
  /** Says how it ended, with everything of it gone; never rejects. */
  readonly ended: Promise<string>;
  /** Resolves when it runs as far as can be told from outside, or has ended; rejects when it does not come to either. */
  readonly started: Promise<unknown>;
  /** Asks the board for an orderly end. Says why it could not be asked, if so. */
  askToShutDown(signal: AbortSignal): Promise<string | undefined>;
}

/** How a board ended that shut itself down. */
export const switchedItselfOff = "it switched itself off";

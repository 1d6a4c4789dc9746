import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { Turns } from "../turns.ts";
import { type Console, openConsole } from "./console.ts";
import { removeLeftovers } from "./leftovers.ts";
import { type Machine, startMachine } from "./machine.ts";
import type { BoardPlan } from "./options.ts";

/** A kernel that cannot start at all has ended by then; one that boots takes longer to its first word. */
const stillbornMs = 300;

export type Power =
  | { readonly kind: "on"; readonly since: Date; readonly machine: Machine }
  | { readonly kind: "off"; readonly ended: { readonly at: Date; readonly how: string } | undefined };

/** One virtual board with its console, whose state directory this process owns. Disposing cuts its power and takes all of it away but the disk. */
export class Board implements AsyncDisposable {
  readonly plan: BoardPlan;
  readonly #host: Host;
  readonly #log: Log;
  readonly #console: Console;
  readonly #release: AsyncDisposableStack;
  readonly #turns = new Turns();
  #power: Power = { kind: "off", ended: undefined };

  private constructor(plan: BoardPlan, host: Host, log: Log, console: Console, release: AsyncDisposableStack) {
    this.plan = plan;
    this.#host = host;
    this.#log = log;
    this.#console = console;
    this.#release = release;
  }

  /**
   * Throws failed_precondition when another process has the state directory or a program is missing, and what the file
   * system refuses; everything is released then.
   */
  static async open(plan: BoardPlan, host: Host, log: Log): Promise<Board> {
    await using opened = new AsyncDisposableStack();
    await need(host, plan.kernel, "apt-get install user-mode-linux, or set the option kernel");
    await need(host, "socat", "apt-get install socat");
    await host.files.makeDirectory(plan.state);
    opened.use(await own(plan, host));
    opened.defer(() => forgetOwner(plan, host, log));
    await removeLeftovers(plan, host, log);
    const console = opened.use(await openConsole(plan.console, host, log));
    return new Board(plan, host, log, console, opened.move());
  }

  get power(): Power {
    return this.#power;
  }

  /** Waits until nobody else works with this board and keeps others away until the result is disposed. */
  async takeTurn(signal: AbortSignal): Promise<Disposable> {
    return await this.#turns.take(signal);
  }

  /** Throws failed_precondition when there is no disk, unavailable when the kernel ends at once. The board must be off. */
  async switchOn(): Promise<Machine> {
    const size = await this.#host.files.size(this.plan.disk);
    if (size === undefined || size === 0) {
      throw new DutError("failed_precondition", `there is no disk ${this.plan.disk}`, {
        hint: "flash an image first",
      });
    }
    const machine = await startMachine(this.plan, this.#console.device, this.#host);
    this.#console.switch("on");
    this.#power = { kind: "on", since: new Date(), machine };
    void machine.ended.then((how) => this.#switchedOff(machine, how));
    await Promise.race([machine.ended, setTimeout(stillbornMs)]);
    const { power } = this;
    if (power.kind === "off") {
      throw new DutError("unavailable", `the board did not start: ${power.ended?.how}`, {
        hint: "see the options kernel, memory and arguments",
      });
    }
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#power.kind === "on") {
      await this.#power.machine[Symbol.asyncDispose]();
    }
    await this.#release.disposeAsync();
  }

  #switchedOff(machine: Machine, how: string): void {
    this.#power = { kind: "off", ended: { at: new Date(), how } };
    this.#console.switch("off");
    void machine[Symbol.asyncDispose]();
    this.#log.info("the board is off", { state: this.plan.state, how });
  }
}

async function need(host: Host, program: string, hint: string): Promise<void> {
  if ((await host.processes.find(program)) === undefined) {
    throw new DutError("failed_precondition", `there is no program ${program}`, { hint });
  }
}

const ownerFile = (plan: BoardPlan) => join(plan.state, "owner");

/** Holds the state directory until this process ends; the process id beside the lock is for the message to others only. */
async function own(plan: BoardPlan, { files }: Host): Promise<Disposable> {
  const owner = ownerFile(plan);
  const lock = await files.lock(join(plan.state, "lock"));
  if (lock === undefined) {
    const pid = (await files.readText(owner))?.trim() ?? "unknown";
    throw new DutError("failed_precondition", `the state directory ${plan.state} is in use by process ${pid}`, {
      hint: "stop that agent, or give this board another state directory",
    });
  }
  using held = new DisposableStack();
  held.use(lock);
  await files.writeText(owner, `${process.pid}\n`);
  return held.move();
}

/** One that cannot be removed misleads nobody: it is read only while another process has the lock. */
async function forgetOwner(plan: BoardPlan, { files }: Host, log: Log): Promise<void> {
  await files.remove(ownerFile(plan)).catch((error: unknown) => {
    log.warn("cannot remove the file that names a board's owner", { state: plan.state, err: messageOf(error) });
  });
}

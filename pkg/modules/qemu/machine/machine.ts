import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { ExitStatus, HostProcess } from "#pkg/host/processes.ts";
import type { LocalListener } from "#pkg/host/sockets.ts";
import type { Log } from "#pkg/log/log.ts";
import { findTool } from "../../tool/find-tool.ts";
import {
  type BoardDesign,
  type Machine,
  type StartContext,
  switchedItselfOff,
} from "../../virtual-board/board-design.ts";
import { requireDisk } from "../../virtual-board/disk.ts";
import { lastWords } from "../../virtual-board/last-words.ts";
import { openQmp, type Qmp, type QmpEvent } from "../monitor/qmp.ts";
import { type QemuPlan, runDirectory } from "../options.ts";
import { type Acceleration, chooseAcceleration } from "./acceleration.ts";
import { architectureOf, programOf, type Uefi } from "./architectures.ts";
import { monitorSocket, qemuArguments, qemuMark } from "./command-line.ts";
import { findFirmware, prepareFirmware } from "./firmware.ts";
import { startTpm, type Tpm, tpmMark } from "./tpm.ts";

/** QEMU connects in 0.1 s, later on a computer that is overloaded. One that lets go has ended soon. */
const connectLimitMs = 30_000;
const endLimitMs = 5000;

/** How long QEMU may take to put a disk's last blocks in order before it is killed. */
const quitLimitMs = 2000;

/** QEMU as a board. */
export function qemuBoard(plan: QemuPlan): BoardDesign<QemuMachine> {
  const { debianPackage, uefi } = architectureOf(plan.arch);
  return {
    plan,
    marks: [qemuMark(plan), tpmMark(plan)],
    leftovers: [runDirectory(plan)],
    startHint: "see the options of the board",
    async check({ processes, files }) {
      await findTool(processes, programOf(plan.arch), debianPackage);
      if (plan.tpm) {
        await findTool(processes, "swtpm", "swtpm");
      }
      if (plan.uefi) {
        await findFirmware(uefi as Uefi, files);
      }
    },
    start: (device, context) => startMachine(plan, device, context),
  };
}

async function startMachine(plan: QemuPlan, device: string, context: StartContext): Promise<QemuMachine> {
  const { host, log, signal } = context;
  const { files, processes, sockets } = host;
  const disk = await attachedDisk(plan, host);
  const firmware = plan.uefi ? await prepareFirmware(plan, files) : undefined;
  const acceleration = await chooseAcceleration(plan, host, signal);
  signal.throwIfAborted();
  await using opened = new AsyncDisposableStack();
  opened.defer(() => files.remove(runDirectory(plan)));
  await files.makeDirectory(runDirectory(plan));
  const listener = opened.use(await sockets.listen(monitorSocket(plan)));
  const tpm = plan.tpm ? opened.use(await startTpm(plan, context)) : undefined;
  const cut = new AbortController();
  const process = await processes.start({
    program: programOf(plan.arch),
    args: qemuArguments(plan, { device, accelerator: acceleration.kind, disk, firmware }),
    signal: cut.signal,
    endWith: "SIGKILL",
  });
  return new QemuMachine(process, cut, { acceleration, tpm, listener, log, release: opened.move() });
}

async function attachedDisk(plan: QemuPlan, { files }: Host): Promise<"attached" | "missing"> {
  if (!plan.needsDisk && (await files.size(plan.disk)) === undefined) {
    return "missing";
  }
  await requireDisk(plan.disk, files);
  return "attached";
}

interface Equipment {
  readonly acceleration: Acceleration;
  readonly tpm: Tpm | undefined;
  readonly listener: LocalListener;
  readonly log: Log;
  /** Disposed when QEMU has ended. */
  readonly release: AsyncDisposableStack;
}

/** A QEMU that runs. Disposing asks it to quit, and kills it when it does not. */
export class QemuMachine implements Machine {
  readonly pid: number;
  readonly ended: Promise<string>;
  readonly started: Promise<unknown>;
  readonly #process: HostProcess;
  readonly #cut: AbortController;
  readonly #equipment: Equipment;
  readonly #gone = new AbortController();
  #qmp: Qmp | undefined;
  /** Why QEMU ends, in its words (`ShutdownCause` of qapi/run-state.json). */
  #shutdown: string | undefined;
  #power: "on" | "cut" = "on";

  constructor(process: HostProcess, cut: AbortController, equipment: Equipment) {
    this.pid = process.pid;
    this.#process = process;
    this.#cut = cut;
    this.#equipment = equipment;
    this.started = this.#meet();
    this.ended = this.#end();
  }

  /** QEMU's monitor. Throws unavailable when the board is not on yet or no longer. */
  get qmp(): Qmp {
    if (this.#qmp === undefined) {
      throw new DutError("unavailable", "qemu has not started yet", { hint: "try again" });
    }
    return this.#qmp;
  }

  async askToShutDown(signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.qmp.execute("system_powerdown", {}, signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return messageOf(error);
    }
  }

  /** What a user wants to know of a board that is on, in lines. */
  async describe(signal: AbortSignal): Promise<readonly string[]> {
    const { acceleration, tpm } = this.#equipment;
    const running = await this.#describeRunning(signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return [`not answering: ${messageOf(error)}`];
    });
    return [acceleration.why, ...running, ...(tpm?.failure === undefined ? [] : [`without its TPM: ${tpm.failure}`])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#power === "on" && !this.#gone.signal.aborted) {
      this.#power = "cut";
      await this.#quit();
    }
    this.#cut.abort();
    await this.ended;
    await this.#process[Symbol.asyncDispose]();
  }

  /** Returns when QEMU has ended, or is not going to in time. */
  async #quit(): Promise<void> {
    const limit = AbortSignal.any([AbortSignal.timeout(quitLimitMs), this.#gone.signal]);
    try {
      await this.#qmp?.execute("quit", {}, limit);
      await aborted(limit);
    } catch (error) {
      if (!this.#gone.signal.aborted) {
        this.#equipment.log.warn(`qemu is killed, it does not quit: ${messageOf(error)}`, { pid: this.pid });
      }
    }
  }

  async #describeRunning(signal: AbortSignal): Promise<readonly string[]> {
    const { status } = (await this.qmp.execute("query-status", {}, signal)) as { readonly status: string };
    switch (status) {
      case "running":
        return [];
      case "io-error":
        return ["standing still: its disk cannot be written; make room on the agent, then switch it off and on"];
      default:
        return [`standing still: ${status}`];
    }
  }

  async #meet(): Promise<void> {
    const late = AbortSignal.timeout(connectLimitMs);
    try {
      const connection = await this.#equipment.listener.accept(AbortSignal.any([this.#gone.signal, late]));
      this.#qmp = await openQmp(connection, (event) => this.#hear(event), this.#gone.signal);
    } catch (error) {
      await aborted(AbortSignal.any([this.#gone.signal, AbortSignal.timeout(late.aborted ? 0 : endLimitMs)]));
      if (!this.#gone.signal.aborted) {
        throw late.aborted ? new DutError("unavailable", "qemu does not connect to its monitor") : error;
      }
      // A QEMU that ended says why itself.
      await this.ended;
    }
  }

  #hear({ event, data }: QmpEvent): void {
    if (event === "SHUTDOWN") {
      this.#shutdown = String(data.reason);
    }
  }

  async #end(): Promise<string> {
    const { stdout, stderr, exited } = this.#process;
    const [said, complained, status] = await Promise.all([lastWords(stdout), lastWords(stderr), exited]);
    this.#gone.abort();
    await this.#qmp?.ended;
    await this.#qmp?.[Symbol.asyncDispose]();
    await this.#equipment.release.disposeAsync();
    return this.#power === "cut" ? "its power was cut" : explainEnd(status, this.#shutdown, `${said}\n${complained}`);
  }
}

function explainEnd(status: ExitStatus, shutdown: string | undefined, output: string): string {
  if (status.kind === "exited" && status.code === 0) {
    switch (shutdown) {
      case "guest-shutdown":
        return switchedItselfOff;
      case "guest-panic":
        return "its system crashed";
      case "guest-reset":
        return "it reset itself";
    }
  }
  const how = status.kind === "exited" ? `qemu ended with status ${status.code}` : `qemu was ended by ${status.signal}`;
  const words = output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-shownLines);
  return [how, ...words.map((line) => line.trim())].join(": ");
}

/** What QEMU complained of last, for the one line that tells how it ended. */
const shownLines = 3;

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
}

import { DutError } from "#pkg/errors/dut-error.ts";
import type { Processes } from "#pkg/host/processes.ts";
import type { Call } from "../module.ts";
import { askToolWell } from "../tool/ask-tool.ts";
import { endedBadly, endedWell } from "../tool/ended-badly.ts";
import { runTool } from "../tool/run-tool.ts";

const title = "emulation failed: emulation tool";

interface Which {
  readonly program: string;
  /** Undefined for the only one. */
  readonly device: string | undefined;
}

/**
 * An EM100Pro in one run, through em100. That ends with status 0 also when the chip could not be set or the image is not
 * the one that was sent (its source, em100.c), so what it says is looked at, and its state asked for afterwards.
 */
export class Emulator {
  readonly #program: string;
  readonly #device: readonly string[];
  readonly #processes: Processes;
  readonly #call: Call;

  constructor({ program, device }: Which, processes: Processes, call: Call) {
    this.#program = program;
    this.#device = device === undefined ? [] : ["--device", device];
    this.#processes = processes;
    this.#call = call;
  }

  async state(): Promise<"running" | "stopped"> {
    const options = { program: this.#program, args: this.#device, signal: this.#call.signal };
    const said = await askToolWell(this.#processes, title, options);
    const state = /^EM100Pro currently (running|stopped)\r?$/m.exec(said)?.[1];
    if (state === undefined) {
      throw new DutError("unavailable", "the emulator does not say whether it runs");
    }
    return state as "running" | "stopped";
  }

  /** Stops what it is and has it be a chip with the image at `path`. What it was is lost also when this fails. */
  async start(chip: string, path: string): Promise<void> {
    const said = await this.#show(
      ["--stop", "--set", chip, "-d", path, "-v", "--start"],
      "Emulation was broken off: the emulator is stopped or has a part of the image\n",
    );
    if (!/^Verify: PASS\r?$/m.test(said)) {
      const reason =
        /^(?:Verify: FAIL|Failed configuring chip type\.)/m.exec(said)?.[0] ?? "it did not verify the image";
      throw new DutError("data_loss", `emulation failed: ${this.#program} ended well but says: ${reason}`);
    }
    await this.#confirm("running");
  }

  async stop(): Promise<void> {
    await this.#show(["--stop"], "It is not known whether the emulation was stopped\n");
    await this.#confirm("stopped");
  }

  async #confirm(wanted: "running" | "stopped"): Promise<void> {
    const state = await this.state();
    if (state !== wanted) {
      throw new DutError("unavailable", `the emulator is ${state} though it was told otherwise`);
    }
  }

  async #show(actions: readonly string[], brokenOff: string): Promise<string> {
    const { session, signal } = this.#call;
    const args = [...this.#device, ...actions];
    await session.print(`Executing: ${[this.#program, ...args].join(" ")}\n`);
    try {
      const { status, said } = await runTool(this.#call, this.#processes, "em100", { program: this.#program, args });
      if (!endedWell(status)) {
        throw endedBadly(title, status, said);
      }
      return said;
    } catch (error) {
      if (signal.aborted) {
        await session.print(brokenOff);
      }
      throw error;
    }
  }
}

import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Call } from "#pkg/modules/module.ts";
import { askTool } from "#pkg/modules/tool/ask-tool.ts";
import { endedWell } from "#pkg/modules/tool/ended-badly.ts";
import { runTool } from "#pkg/modules/tool/run-tool.ts";
import { cycle } from "#pkg/modules/usb-hub/cycle.ts";
import type { Hub } from "#pkg/modules/usb-hub/hub.ts";
import type { Chip, FlashTool } from "../tool/flash-tool.ts";
import { toolFailure, undefinedContent } from "../tool/tool-failure.ts";
import { toolProgress } from "../tool/tool-progress.ts";

/** The time in which a tool may end what it does to the chip before it is killed. */
const graceMs = 10_000;

/** A programmer that got its power back is looked for so often and so long. */
const lookEveryMs = 500;
const looks = 20;

/** What a flash tool runs with. */
export interface Workshop {
  readonly host: Pick<Host, "files" | "processes">;
  readonly tool: FlashTool;
  /** Absolute path of the tool, and its name. */
  readonly program: string;
  readonly name: string;
  /** The USB port of the programmer, and how long it is left without power before a second try. */
  readonly recover: { readonly hub: Hub; readonly offMs: number } | undefined;
}

type Action = (image: string) => readonly string[];

/** A programmer in one run: tells the tool what to do, in a directory that is the run's, and tries once more if it may. */
export class Programmer {
  readonly #shop: Workshop;
  readonly #directory: string;
  readonly #call: Call;
  #tries: "one more" | "no more";

  constructor(shop: Workshop, directory: string, call: Call) {
    this.#shop = shop;
    this.#directory = directory;
    this.#call = call;
    this.#tries = shop.recover === undefined ? "no more" : "one more";
  }

  /** Where an image of this name is. */
  path(image: string): string {
    return join(this.#directory, image);
  }

  /** Asks for the chip. Throws aborted when there is none, or no programmer. */
  async probe(): Promise<Chip> {
    return await this.#tried(() => this.#ask());
  }

  /** Reads the chip. Returns the files that this made: one for each programmer that there is. */
  async read(image: string): Promise<readonly string[]> {
    const { tool, host } = this.#shop;
    await this.#tried(() => this.#show(tool.read, image, "reading"));
    const made = await host.files.list(this.#directory);
    return made.filter((name) => tool.isResult(name, image)).map((name) => this.path(name));
  }

  async write(image: string): Promise<void> {
    await this.#tried(() => this.#show(this.#shop.tool.write, image, "writing"));
  }

  /** Whether the chip has this image, by the tool's own comparison, of which nothing is shown. */
  async compare(action: Action, image: string): Promise<boolean> {
    const { status } = await askTool(this.#shop.host.processes, this.#shop.name, this.#started(action, image));
    return endedWell(status);
  }

  async #ask(): Promise<Chip | DutError> {
    const { host, tool, name } = this.#shop;
    const { stdout, stderr, status } = await askTool(
      host.processes,
      name,
      this.#started(() => tool.probe, ""),
    );
    const said = `${stdout}\n${stderr}`;
    if (!endedWell(status)) {
      return toolFailure(status, said, false);
    }
    return (
      tool.chipIn(stdout) ??
      new DutError("aborted", `flash operation failed: ${name} does not say how large the chip is`)
    );
  }

  async #show(action: Action, image: string, doing: "reading" | "writing"): Promise<DutError | undefined> {
    const { host, program, name } = this.#shop;
    const { session, signal, log } = this.#call;
    const options = this.#started(action, image);
    await session.print(`Executing: ${[program, ...options.args].join(" ")}\n`);
    const heard = toolProgress((progress) => session.progress(progress));
    try {
      const { status, said } = await runTool(this.#call, host.processes, name, options, heard);
      return endedWell(status) ? undefined : toolFailure(status, said, doing === "writing");
    } catch (error) {
      if (signal.aborted && doing === "writing") {
        log.warn("a write was broken off", { program, chip: undefinedContent });
        await session.print(`The write was broken off: ${undefinedContent}\n`);
      }
      throw error;
    }
  }

  #started(action: Action, image: string) {
    const { tool, program } = this.#shop;
    const args = action(tool.inDirectory ? image : this.path(image));
    return { program, args, signal: this.#call.signal, graceMs, ...(tool.inDirectory ? { cwd: this.#directory } : {}) };
  }

  /** What failed for the first time in a run is tried again, after the programmer was without power. */
  async #tried<T>(attempt: () => Promise<T | DutError>): Promise<T> {
    const first = await attempt();
    if (!(first instanceof DutError)) {
      return first;
    }
    if (this.#tries === "no more") {
      throw first;
    }
    this.#tries = "no more";
    await this.#recover(first);
    const second = await attempt();
    if (second instanceof DutError) {
      throw second;
    }
    return second;
  }

  async #recover(failure: DutError): Promise<void> {
    const { recover } = this.#shop;
    if (recover === undefined) {
      throw failure;
    }
    const { session, signal } = this.#call;
    const { hub, offMs } = recover;
    await session.print(`${failure.message}\nPower-cycling USB port ${hub.name} before a second try\n`);
    await cycle(hub, offMs, this.#call);
    for (let look = 0; look < looks && (await this.#ask()) instanceof DutError; look++) {
      await setTimeout(lookEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

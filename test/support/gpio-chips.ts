import type { Host } from "#pkg/host/host.ts";
import { ToolFolder } from "./tool-folder.ts";

/** Versions of libgpiod, the last one with a gpioset that takes commands. */
export const versions = ["1.6.3", "2.2.1", "2.2.1 interactive"] as const;

interface Given {
  readonly version?: (typeof versions)[number];
  /** What the kernel makes of a line that is let go. */
  readonly release?: "persists" | "input";
}

/** A computer with the GPIO chips of a Raspberry Pi 4, as the tools of libgpiod show them. */
export class GpioChips implements AsyncDisposable {
  readonly #folder: ToolFolder;

  private constructor(folder: ToolFolder) {
    this.#folder = folder;
  }

  static async open({ version = "1.6.3", release = "input" }: Given = {}): Promise<GpioChips> {
    const [number = "", interactive] = version.split(" ");
    const folder = await ToolFolder.open({
      gpiodetect: ["gpiod.ts", number, "gpiodetect"],
      gpioinfo: ["gpiod.ts", number, "gpioinfo"],
      gpioset: ["gpiod.ts", number, "gpioset"],
    });
    await folder.write("release", release);
    await folder.write("history", "");
    if (interactive !== undefined) {
      await folder.write("interactive", "");
    }
    return new GpioChips(folder);
  }

  /** A folder to be found by PATH, with the tools. */
  get bin(): string {
    return this.#folder.bin;
  }

  /** A host that has these tools and no others. */
  host(): Host {
    return this.#folder.host();
  }

  /** Every level that a line of the header has had, and why, in order: `high: driven`. */
  async history(pin: number): Promise<readonly string[]> {
    const start = `gpiochip0 ${pin} `;
    const lines = (await this.#folder.read("history")).trimEnd().split("\n");
    return lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
  }

  /** The levels of `history`; neighbours that are equal are one. */
  async steps(pin: number): Promise<readonly string[]> {
    const levels = (await this.history(pin)).map((line) => line.replace(/:.*/, ""));
    return levels.filter((level, index) => level !== levels[index - 1]);
  }

  /** The process that holds a line. */
  async holder(pin: number): Promise<number> {
    return JSON.parse(await this.#folder.read(`gpiochip0-${pin}`)).pid;
  }

  /** From now on a tool does nothing for ever. */
  async hang(tool: string): Promise<void> {
    await this.#folder.write("hangs", tool);
  }

  /** The chips are gone from now on, and what held a line has ended. */
  async unplug(pin: number): Promise<void> {
    await this.#folder.write("unplugged", "");
    process.kill(await this.holder(pin), "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

import { mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host } from "#pkg/host/host.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { memoryHost } from "./memory-host.ts";

const program = fileURLToPath(import.meta.resolve("#test/programs/gpiod.ts"));

/** Versions of libgpiod, the last one with a gpioset that takes commands. */
export const versions = ["1.6.3", "2.2.1", "2.2.1 interactive"] as const;

interface Given {
  readonly version?: (typeof versions)[number];
  /** What the kernel makes of a line that is let go. */
  readonly release?: "persists" | "input";
}

/** A computer with the GPIO chips of a Raspberry Pi 4, as the tools of libgpiod show them. */
export class GpioChips implements AsyncDisposable {
  /** A folder to be found by PATH, with the tools. */
  readonly bin: string;
  readonly #folder: string;
  readonly #open: AsyncDisposableStack;

  private constructor(folder: string, open: AsyncDisposableStack) {
    this.#folder = folder;
    this.bin = join(folder, "bin");
    this.#open = open;
  }

  static async open({ version = "1.6.3", release = "input" }: Given = {}): Promise<GpioChips> {
    await using open = new AsyncDisposableStack();
    const { path } = open.use(await mkdtempDisposable(join(tmpdir(), "gpio-")));
    const chips = new GpioChips(path, open.move());
    await mkdir(chips.bin);
    const [number = "", interactive] = version.split(" ");
    for (const tool of ["gpiodetect", "gpioinfo", "gpioset"]) {
      const words = [process.execPath, program, path, number, tool].map((word) => `'${word}'`).join(" ");
      await writeFile(join(chips.bin, tool), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
    }
    await writeFile(join(path, "release"), release);
    await writeFile(join(path, "history"), "");
    if (interactive !== undefined) {
      await writeFile(join(path, "interactive"), "");
    }
    return chips;
  }

  /** A host that has these tools and no others. */
  host(): Host {
    return memoryHost({
      processes: { ...nodeProcesses(), find: async (tool) => join(this.bin, tool) },
    });
  }

  /** Every level that a line has had, and why, in order: `high: driven`. */
  async history(pin: number, chip = "gpiochip0"): Promise<readonly string[]> {
    const start = `${chip} ${pin} `;
    const lines = (await readFile(join(this.#folder, "history"), "utf8")).trimEnd().split("\n");
    return lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
  }

  /** The process that holds a line. */
  async holder(pin: number): Promise<number> {
    return JSON.parse(await readFile(join(this.#folder, `gpiochip0-${pin}`), "utf8")).pid;
  }

  /** From now on a tool does nothing for ever. */
  async hang(tool: string): Promise<void> {
    await writeFile(join(this.#folder, "hangs"), tool);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

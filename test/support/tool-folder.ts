import { mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host } from "#pkg/host/host.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { memoryHost } from "./memory-host.ts";

/** A temporary folder in which programs of `test/programs` stand in for tools and keep what they control. */
export class ToolFolder implements AsyncDisposable {
  readonly path: string;
  /** To be found by PATH: the tools and nothing else. */
  readonly bin: string;
  readonly #open: AsyncDisposableStack;

  private constructor(path: string, open: AsyncDisposableStack) {
    this.path = path;
    this.bin = join(path, "bin");
    this.#open = open;
  }

  /** Each tool is a program, which gets the folder, the words behind it and then its own arguments. */
  static async open(tools: Readonly<Record<string, readonly [program: string, ...words: string[]]>>) {
    await using open = new AsyncDisposableStack();
    const { path } = open.use(await mkdtempDisposable(join(tmpdir(), "tools-")));
    const folder = new ToolFolder(path, open.move());
    await mkdir(folder.bin);
    for (const [name, [program, ...words]] of Object.entries(tools)) {
      const file = fileURLToPath(import.meta.resolve(`#test/programs/${program}`));
      const start = [process.execPath, file, path, ...words].map((word) => `'${word}'`).join(" ");
      await writeFile(join(folder.bin, name), `#!/bin/sh\nexec ${start} "$@"\n`, { mode: 0o755 });
    }
    return folder;
  }

  /** A host that has these tools and no others. */
  host(): Host {
    return memoryHost({ processes: { ...nodeProcesses(), find: async (tool) => join(this.bin, tool) } });
  }

  read(name: string): Promise<string> {
    return readFile(join(this.path, name), "utf8");
  }

  async write(name: string, content: string): Promise<void> {
    await writeFile(join(this.path, name), content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

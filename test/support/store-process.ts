import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";
import type { Entry, StoreHealth } from "#pkg/store/store.ts";
import { Child, type Ended } from "./child.ts";

const program = fileURLToPath(import.meta.resolve("#test/programs/store-client.ts"));

type Answer = readonly [id: number, result: unknown, code?: DutErrorCode, message?: string];

/** Another process that has a store open, to be killed, or to live where a file system is broken. */
export class StoreProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Child;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  private constructor(child: Child, pid: number) {
    this.#child = child;
    this.pid = pid;
    createInterface(child.process.stdout).on("line", (line) => {
      if (line.startsWith("[")) {
        this.#settle(JSON.parse(line));
      }
    });
    void child.ended.then(({ stderr }) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new DutError("unavailable", `the process is gone: ${stderr}`));
      }
    });
  }

  /** Starts it behind `wrapper`, the words of a program that becomes another, and waits until the store is open. */
  static async start(spec: string, wrapper: readonly string[] = []): Promise<StoreProcess> {
    const child = new Child([...wrapper, process.execPath, program, spec], { cwd: "/", env: process.env });
    const [, pid] = await child.said("stdout", /open (\d+)/);
    return new StoreProcess(child, Number(pid));
  }

  put(key: string, value: string): Promise<number> {
    return this.#ask("put", key, value);
  }

  delete(key: string): Promise<boolean> {
    return this.#ask("delete", key);
  }

  get(key: string): Promise<Entry | null> {
    return this.#ask("get", key);
  }

  list(prefix: string): Promise<readonly Entry[]> {
    return this.#ask("list", prefix);
  }

  health(): Promise<StoreHealth> {
    return this.#ask("health");
  }

  /** Resolves when the store is well. */
  well(): Promise<void> {
    return this.#ask("well");
  }

  /** Puts a key with a lease of so many milliseconds. */
  lease(key: string, ttlMs: number): Promise<number> {
    return this.#ask("lease", key, `${ttlMs}`);
  }

  kill(): Promise<Ended> {
    this.#child.kill("SIGKILL");
    return this.#child.ended;
  }

  /** Ends it as it ends by itself. */
  end(): Promise<Ended> {
    this.#child.process.stdin.end();
    return this.#child.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }

  async #ask<T>(call: string, ...args: readonly string[]): Promise<T> {
    this.#asked += 1;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(this.#asked, waiting);
    this.#child.process.stdin.write(`${JSON.stringify({ id: this.#asked, call, args })}\n`);
    return (await waiting.promise) as T;
  }

  #settle([id, result, code, message = ""]: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (code === undefined) {
      waiting?.resolve(result);
    } else {
      waiting?.reject(new DutError(code, message));
    }
  }
}

import { main } from "../main.ts";
import type { Outlet, World } from "../world.ts";
import { aliceAtDesk } from "./alice-at-desk.ts";

interface Given {
  readonly stdin?: () => AsyncIterable<Uint8Array>;
  readonly env?: World["env"];
  readonly directory?: string;
  readonly signal?: AbortSignal;
  readonly now?: Date;
  /** Which streams are terminals. */
  readonly terminal?: readonly ("stdout" | "stderr")[];
  /** Told everything that is written to stdout, as it is. */
  readonly onStdout?: (text: string) => void;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Input that neither comes nor ends, like a terminal nobody types at. */
async function* silence(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
}

/** Input of these pieces that ends behind them. */
export async function* typed(...pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    yield Buffer.from(piece);
  }
}

/** Runs a command line in this process and returns everything that came of it. Bytes are shown as latin1 where they are no UTF-8. */
export async function dutctl(argv: readonly string[], given: Given = {}): Promise<Ended> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const outlet = (kept: Buffer[], name: "stdout" | "stderr"): Outlet => ({
    isTerminal: given.terminal?.includes(name) ?? false,
    async write(data) {
      kept.push(Buffer.from(data));
      if (name === "stdout") {
        given.onStdout?.(Buffer.from(data).toString());
      }
    },
  });
  const code = await main(argv, {
    ...aliceAtDesk,
    stdin: given.stdin ?? silence,
    stdout: outlet(stdout, "stdout"),
    stderr: outlet(stderr, "stderr"),
    env: given.env ?? { USER: "alice" },
    directory: given.directory ?? aliceAtDesk.directory,
    now: () => given.now ?? new Date("2026-11-20T10:27:23Z"),
    signal: given.signal ?? new AbortController().signal,
  });
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

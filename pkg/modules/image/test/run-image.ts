import { createHash } from "node:crypto";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Disks } from "#pkg/host/disks.ts";
import { nodeDisks } from "#pkg/host/node-disks.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { Call } from "#pkg/modules/module.ts";
import { recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { image } from "../image.ts";

export const mib = 1024 * 1024;

/** The real disks, files and programs. */
export const parts = { disks: nodeDisks(), files: nodeFiles(), processes: nodeProcesses() };

/** Content without repetition in a block, as images have. */
export function content(bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) {
    made.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
  }
  return made;
}

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Runs the module; what was printed, and why it failed. */
export async function run(options: object, call: Call, transcript: readonly Utterance[], disks: Disks = parts.disks) {
  const failure = await runModule(image, { wait: "0s", ...options }, call, { ...parts, disks }).then(
    () => [],
    (error: unknown) => [`${(error as { code?: string }).code}: ${explain(error)}`],
  );
  return [...transcript.flatMap((said) => ("print" in said ? [said.print] : [])), ...failure];
}

/** The same by arguments and the files that the client has. */
export async function runArgs(options: object, args: readonly string[], files: Record<string, Uint8Array> = {}) {
  const { call, transcript } = recordedCall(args, { files });
  return { said: await run(options, call, transcript), transcript };
}

/** Three pieces of 1 MiB, and a sector. */
export const whole = content(3 * mib + 512);

export function changedAt(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 0xff, at);
  return changed;
}

import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { endedWell } from "../tool/ended-badly.ts";
import { findTool } from "../tool/find-tool.ts";
import { Tail } from "../tool/tail.ts";

export type Compression = "raw" | "gzip" | "zstd" | "xz";

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

/** Twice what `xz -9` needs; an image can ask for 4 GiB. */
const xzMemory = "--memlimit-decompress=128MiB";

/** Enough for what xz says about an image that it does not like. */
const keptComplaintBytes = 1000;

/** The bytes that are enough to know a compression. */
export const magicBytes = 6;

export function compressionOf(head: Uint8Array): Compression {
  return magics.find(([, magic]) => magic.every((byte, index) => head[index] === byte))?.[0] ?? "raw";
}

/** What xz runs on. */
interface Workbench {
  readonly processes: Processes;
  readonly signal: AbortSignal;
}

/**
 * The raw bytes, while the compressed ones come: nothing is kept but the window of the compression. Throws data_loss when
 * the compressed ones are damaged or end too soon, what the source throws, and failed_precondition when xz is missing.
 */
export function decompress(
  compression: Compression,
  source: AsyncIterable<Uint8Array>,
  workbench: Workbench,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "raw":
      return source;
    case "gzip":
      return through(createGunzip(), source, "gzip");
    case "zstd":
      return through(createZstdDecompress(), source, "zstd");
    case "xz":
      return unxz(source, workbench);
  }
}

async function* through(unpack: ReturnType<typeof createGunzip>, source: AsyncIterable<Uint8Array>, name: string) {
  const fed = pipeline(source, unpack).then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    yield* unpack as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw error instanceof Error && "code" in error && /^Z(STD)?_/.test(String(error.code))
      ? damaged(name, messageOf(error))
      : error;
  } finally {
    unpack.destroy();
    await fed;
  }
}

async function* unxz(source: AsyncIterable<Uint8Array>, { processes, signal }: Workbench) {
  const program = await findTool(processes, "xz", "xz-utils");
  const failures: unknown[] = [];
  const stdin = noticing(source, (error) => failures.push(error));
  await using xz = await processes.start({ program, args: ["-dc", xzMemory], stdin, signal });
  const complaint = textOf(xz.stderr);
  yield* xz.stdout;
  const status = await xz.exited;
  signal.throwIfAborted();
  if (failures.length > 0) {
    throw failures[0];
  }
  if (!endedWell(status)) {
    const said = (await complaint).trim().replace(/^.*?\(stdin\): /, "");
    throw damaged("xz", said || "xz did not finish");
  }
}

/** The same bytes. xz is ended when they fail, and its status does not tell why. */
async function* noticing(source: AsyncIterable<Uint8Array>, failed: (error: unknown) => void) {
  try {
    yield* source;
  } catch (error) {
    failed(error);
    throw error;
  }
}

async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const tail = new Tail(keptComplaintBytes);
  for await (const piece of output) {
    tail.push(piece);
  }
  return tail.bytes.toString();
}

function damaged(name: string, reason: string): DutError {
  return new DutError("data_loss", `the ${name} image is damaged: ${reason}`, { hint: "send a whole one" });
}

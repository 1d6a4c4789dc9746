import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Host } from "#pkg/host/host.ts";
import { steps } from "../image-stream/steps.ts";
import type { Call } from "../module.ts";
import { type ImageOptions, placeOf } from "./options.ts";
import { openDevice } from "./target.ts";

/**
 * Sends the client the first bytes of a disk; all of them unless it is said how many. Throws as `openDevice`, and
 * out_of_range when there are fewer.
 */
export async function readImage(
  name: string,
  wanted: number | undefined,
  options: ImageOptions,
  host: Host,
  { session, signal }: Call,
): Promise<void> {
  await using content = await openContent(options, host, signal);
  const { path, size } = content;
  const total = wanted ?? size;
  if (total > size) {
    throw new DutError("out_of_range", `${path} has only ${size} bytes`, { hint: "ask for fewer, or for all" });
  }
  const reading = steps((done) => session.progress({ done, total, unit: "bytes", label: "read" }));
  async function* pieces() {
    for await (const piece of content.pieces) {
      signal.throwIfAborted();
      // The disk reads the next into the same memory, and the session keeps what it was handed.
      const copy = Buffer.from(piece.subarray(0, total - reading.done));
      await reading.add(copy.length);
      yield copy;
      if (reading.done === total) {
        break;
      }
    }
    await reading.finish();
  }
  await session.sendFile(name, pieces(), { size: total });
  await session.print(`${total} bytes read from ${path}\n`);
}

interface Content extends AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

async function openContent(options: ImageOptions, { disks, files }: Host, signal: AbortSignal): Promise<Content> {
  const { kind, path } = placeOf(options);
  if (kind === "disk") {
    const file = await files.read(path);
    return { path, size: file.size, pieces: file.content, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() };
  }
  const disk = await openDevice(path, "read", parseDuration(options.wait), disks, signal);
  const { bytes } = disk.device;
  return {
    path: disk.path,
    size: bytes,
    pieces: disk.read(0, bytes),
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

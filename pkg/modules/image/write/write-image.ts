import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { compressionOf, decompress, magicBytes } from "#pkg/modules/image-stream/compression.ts";
import { peekable } from "#pkg/modules/image-stream/peekable.ts";
import { steps } from "#pkg/modules/image-stream/steps.ts";
import type { Call } from "#pkg/modules/module.ts";
import { bytesOf } from "#pkg/modules/options/size-option.ts";
import type { ImageOptions } from "../options.ts";
import { type Origin, openSource, readBmap } from "../source/source.ts";
import { openTarget, type Target } from "../target.ts";
import { HeadLast } from "./head-last.ts";
import { Ranges } from "./ranges.ts";
import { compareHead, compareRest } from "./verify.ts";

/**
 * Writes an image while it comes. Its beginning is written last, when all the rest is on the medium and was compared, so
 * that no board takes a part of an image for a whole one. Ends with its signal, and has closed the device then.
 */
export async function writeImage(origin: Origin, options: ImageOptions, host: Host, call: Call): Promise<void> {
  const { session, signal, log } = call;
  await using target = await openTarget(options, host.disks, signal);
  const { kind, path } = target;
  const head = new HeadLast(target.disk);
  const { received, ranges } = await copy(origin, options, target, head, host, call).catch((error: unknown) => {
    if (kind === "disk" || head.writtenBytes === 0) {
      throw error;
    }
    log.warn("a write ended half-way, the content of the device is undefined", { path, bytes: head.writtenBytes });
    signal.throwIfAborted();
    throw half(error, path, head.writtenBytes);
  });
  await session.print(`${received}\n`);
  await session.print(`${ranges.mappedBytes} of the image's ${ranges.bytes} bytes written to ${path}\n`);
  const [whole] = ranges.done;
  const sum = ranges.done.length === 1 && whole?.length === ranges.bytes ? `, sha256 ${whole.sha256}` : "";
  await session.print(options.verify ? `read back and found the same${sum}\n` : `not read back${sum}\n`);
}

async function copy(
  origin: Origin,
  options: ImageOptions,
  { disk, finish }: Target,
  head: HeadLast,
  host: Host,
  call: Call,
) {
  const { session, signal } = call;
  const limited = (bytes: number) => refuseBeyond(bytes, bytesOf(options.limit), disk.bytes);
  const map = await readBmap(origin, host, session);
  limited(map?.imageBytes ?? 0);
  await using source = await openSource(origin.from, origin.image, host, session);
  const reception = steps((done) => session.progress({ done, total: source.size, unit: "bytes", label: "write" }));
  const received = peekable(source.content, {
    took: async (bytes) => void (await reception.add(bytes)),
    ended: () => reception.finish(),
  });
  const compression = compressionOf(await received.peek(magicBytes));
  limited(compression === "raw" ? (source.size ?? 0) : 0);
  const ranges = new Ranges(map);
  for await (const { at, bytes } of ranges.of(decompress(compression, received, { ...host, signal }))) {
    signal.throwIfAborted();
    limited(ranges.bytes);
    await head.write(at, bytes);
  }
  if (ranges.bytes === 0) {
    throw new DutError("invalid_argument", "the image is empty");
  }
  signal.throwIfAborted();
  await disk.flush();
  if (options.verify) {
    await compareRest(disk, head, ranges.done, call);
  }
  signal.throwIfAborted();
  await head.finish();
  if (options.verify) {
    await compareHead(disk, head);
  }
  await finish(ranges.bytes);
  return { received: `${reception.done} bytes received (${compression})`, ranges };
}

function refuseBeyond(bytes: number, limitBytes: number, diskBytes: number | undefined): void {
  if (diskBytes !== undefined && bytes > diskBytes) {
    throw new DutError("resource_exhausted", `the image is larger than the ${diskBytes} bytes of the device`, {
      hint: "use a larger card, or a smaller image",
    });
  }
  if (bytes > limitBytes) {
    throw new DutError("resource_exhausted", `the image is larger than the ${limitBytes} bytes that it may have`, {
      hint: "write a smaller one, or raise the option limit",
    });
  }
}

function half(error: unknown, path: string, bytes: number): DutError {
  const { code, hint = "write it again" } = error instanceof DutError ? error : { code: "internal" as const };
  const state = `the content of ${path} is undefined now, with ${bytes} bytes of the image on it`;
  return new DutError(code, `${messageOf(error)}; ${state}`, { hint, cause: error });
}

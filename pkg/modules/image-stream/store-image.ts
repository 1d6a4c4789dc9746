import { DutError } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { Call } from "../module.ts";
import { withProgress } from "./with-progress.ts";

interface ImageSource {
  /** Undefined when it is not known before the end. */
  readonly size: number | undefined;
  readonly content: AsyncIterable<Uint8Array>;
  /** Throws when an image of so many bytes, or of more, is of no use: asked before anything is stored and while it is. */
  limit(bytes: number): void;
}

/**
 * Writes an image to a file in a directory that is the run's own, and says how far it is. Returns its bytes. Throws
 * resource_exhausted when the directory has no room for it, before any of it is taken where its size is known.
 */
export async function storeImage(
  path: string,
  { size, content, limit }: ImageSource,
  files: Files,
  { session, signal }: Call,
): Promise<number> {
  if (size !== undefined) {
    limit(size);
    await refuseWithoutRoom(path, size, files);
  }
  await using file = await files.replace(path);
  let done = 0;
  for await (const piece of withProgress(content, { session, total: size, label: "receive" })) {
    signal.throwIfAborted();
    done += piece.length;
    limit(done);
    await file.write(piece);
  }
  signal.throwIfAborted();
  await file.commit();
  return done;
}

/** Throws resource_exhausted unless so many bytes can be written where `path` will be. */
export async function refuseWithoutRoom(path: string, bytes: number, files: Files): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf("/"));
  const free = await files.freeBytes(directory);
  if (free < bytes) {
    throw new DutError("resource_exhausted", `no room for ${bytes} bytes in ${directory}: ${free} bytes are free`, {
      hint: "make room there, or start the agent with TMPDIR set to a directory that has it",
    });
  }
}

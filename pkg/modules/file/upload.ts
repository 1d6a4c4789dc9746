import { withProgress } from "../image-stream/with-progress.ts";
import { locate } from "./locate.ts";
import type { Transfer } from "./transfer.ts";

/** Puts a file of the client's in its place on the agent, all of it or nothing. */
export async function upload({ paths, options, host, call }: Transfer): Promise<void> {
  const { session, signal } = call;
  const { base, path } = locate(paths.destination, options.root);
  await using root = await host.files.openRoot(base, "make");
  await using next = await root.replace(path, Number.parseInt(options.permission, 8));
  const source = await session.requestFile(paths.source.path);
  let bytes = 0;
  for await (const piece of withProgress(source, { session, total: source.attributes.size, label: "upload" })) {
    signal.throwIfAborted();
    await next.write(piece);
    bytes += piece.length;
  }
  signal.throwIfAborted();
  await next.commit();
  await session.print(`Upload complete: ${paths.source.path} -> ${paths.destination.path} (${bytes} bytes)\n`);
}

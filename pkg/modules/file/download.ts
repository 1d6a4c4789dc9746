import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { withProgress } from "../image-stream/with-progress.ts";
import { locate } from "./locate.ts";
import type { Transfer } from "./transfer.ts";

/** Gives the client a file of the agent's. */
export async function download({ paths, options, host, call: { session } }: Transfer): Promise<void> {
  const { source, destination } = paths;
  const { base, path } = locate(source, options.root);
  const missing = notFound(source.path);
  await using root = await host.files.openRoot(base, "refuse").catch(missing);
  await using file = await root.read(path).catch(missing);
  const { size, mode } = file;
  let bytes = 0;
  async function* counted() {
    for await (const piece of withProgress(file.content, { session, total: size, label: "download" })) {
      bytes += piece.length;
      yield piece;
    }
  }
  await session.sendFile(destination.path, counted(), { size, mode });
  await session.print(`Download complete: ${source.path} -> ${destination.path} (${bytes} bytes)\n`);
}

/** In the words of the user's own path. */
export function notFound(path: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof DutError && error.code === "not_found"
      ? new DutError("not_found", `source file ${quote(path)} not found on dutagent`, { cause: error })
      : error;
  };
}

import { resolve } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Session } from "#pkg/modules/session.ts";
import { type BlockMap, parseBmap } from "./bmap.ts";

/** A map of a card that is written in single blocks all over has 10 MiB. */
const largestBmapBytes = 16 * 1024 * 1024;

/** Where an image and its map come from: names that the client knows, or paths on the agent. */
export interface Origin {
  readonly from: "client" | "agent";
  readonly image: string;
  readonly bmap: string | undefined;
}

/** Bytes of the client or of the agent. Disposing closes them. */
interface Source extends AsyncDisposable {
  /** Undefined when the client does not say. */
  readonly size: number | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Throws what asking for the file throws. */
export async function openSource(from: Origin["from"], name: string, host: Host, session: Session): Promise<Source> {
  if (from === "agent") {
    return await host.files.read(resolve(name));
  }
  const file = await session.requestFile(name);
  return { size: file.attributes.size, content: file, async [Symbol.asyncDispose]() {} };
}

/** Throws as `parseBmap`, and resource_exhausted for a file that is too large for one. */
export async function readBmap({ from, bmap }: Origin, host: Host, session: Session): Promise<BlockMap | undefined> {
  if (bmap === undefined) {
    return undefined;
  }
  await using source = await openSource(from, bmap, host, session);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source.content) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > largestBmapBytes) {
      throw new DutError("resource_exhausted", `the bmap is larger than ${largestBmapBytes} bytes`, {
        hint: "give the image first, and then its bmap",
      });
    }
  }
  return parseBmap(Buffer.concat(pieces).toString());
}

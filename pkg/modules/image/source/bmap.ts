import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** A part of an image that has content, in bytes. */
export interface MappedRange {
  readonly at: number;
  readonly length: number;
  /** In hex; undefined when the map has none. */
  readonly sha256: string | undefined;
}

/** Which parts of an image have content; the others need not be written. */
export interface BlockMap {
  readonly imageBytes: number;
  /** Ascending, without overlaps. */
  readonly ranges: readonly MappedRange[];
}

/**
 * Reads a block map as bmaptool writes it, version 2. Throws data_loss when it is damaged, invalid_argument when it is
 * none or another version.
 */
export function parseBmap(text: string): BlockMap {
  // The comments speak of elements too.
  const body = text.replace(/<!--.*?-->/gs, "");
  const version = /<bmap\s+version\s*=\s*["']([^"']*)["']\s*>/.exec(body)?.[1];
  if (version === undefined) {
    throw refused("it has no element bmap");
  }
  if (!/^2\.\d+$/.test(version)) {
    throw refused(`its version is ${quote(version)}, not 2.0`);
  }
  const checksumType = element(body, "ChecksumType");
  if (checksumType !== "sha256") {
    throw refused(`its checksums are ${quote(checksumType)}, not sha256`);
  }
  compareOwnChecksum(text, element(body, "BmapFileChecksum"));
  const imageBytes = number(body, "ImageSize");
  const blockBytes = number(body, "BlockSize");
  const blocks = number(body, "BlocksCount");
  if (blockBytes === 0 || blocks !== Math.ceil(imageBytes / blockBytes)) {
    throw refused(`${blocks} blocks of ${blockBytes} bytes are no image of ${imageBytes}`);
  }
  const ranges = rangesOf(body, { imageBytes, blockBytes, blocks });
  return { imageBytes, ranges };
}

interface Geometry {
  readonly imageBytes: number;
  readonly blockBytes: number;
  readonly blocks: number;
}

function rangesOf(body: string, { imageBytes, blockBytes, blocks }: Geometry): readonly MappedRange[] {
  let next = 0;
  let mapped = 0;
  const found = Array.from(body.matchAll(/<Range\b([^>]*)>\s*(\d+)(?:\s*-\s*(\d+))?\s*<\/Range>/g));
  const ranges = found.map(([, attributes = "", from = "", to = from]) => {
    const [first, last] = [Number(from), Number(to)];
    if (first < next || last < first || last >= blocks) {
      throw refused(`its range ${first}-${last} is out of place`);
    }
    next = last + 1;
    mapped += next - first;
    const at = first * blockBytes;
    const sha256 = /\bchksum\s*=\s*["']([0-9a-f]{64})["']/.exec(attributes)?.[1];
    return { at, length: Math.min(next * blockBytes, imageBytes) - at, sha256 };
  });
  if (mapped !== number(body, "MappedBlocksCount")) {
    throw refused(`its ranges have ${mapped} blocks, and it says ${number(body, "MappedBlocksCount")}`);
  }
  return ranges;
}

/** Made over the file with zeros in the place of the checksum. */
function compareOwnChecksum(text: string, checksum: string): void {
  const sum = createHash("sha256")
    .update(text.replace(checksum, "0".repeat(checksum.length)))
    .digest("hex");
  if (checksum !== sum) {
    throw new DutError("data_loss", `the bmap is damaged: its SHA-256 is ${sum}, and it says ${quote(checksum)}`, {
      hint: "get it again",
    });
  }
}

function number(body: string, name: string): number {
  const text = element(body, name);
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw refused(`its ${name} is ${quote(text)}`);
  }
  return value;
}

function element(body: string, name: string): string {
  const found = new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(body)?.[1];
  if (found === undefined) {
    throw refused(`it has no element ${name}`);
  }
  return found;
}

function refused(reason: string): DutError {
  return new DutError("invalid_argument", `this is no bmap that is known here: ${reason}`, {
    hint: "make one of the raw image with bmaptool create",
  });
}

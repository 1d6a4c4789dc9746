import { DutError } from "#pkg/errors/dut-error.ts";

const lineFeed = 0x0a;

/**
 * The lines of a stream, without their line feeds, from pieces of any size; a last one without line feed counts.
 * Throws resource_exhausted when a line is longer than `longest` bytes.
 */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>, longest: number): AsyncGenerator<Buffer, void, void> {
  let kept = Buffer.alloc(0);
  for await (const piece of pieces) {
    kept = Buffer.concat([kept, piece]);
    for (let end = kept.indexOf(lineFeed); end >= 0; end = kept.indexOf(lineFeed)) {
      yield kept.subarray(0, end);
      kept = kept.subarray(end + 1);
    }
    if (kept.length > longest) {
      throw new DutError("resource_exhausted", `a line of the input is longer than ${longest} bytes`);
    }
  }
  if (kept.length > 0) {
    yield kept;
  }
}

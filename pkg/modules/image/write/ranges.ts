import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { BlockMap, MappedRange } from "../source/bmap.ts";

/** A part of an image as it came. */
export interface SummedRange extends MappedRange {
  readonly sha256: string;
}

interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** An image on its way, cut to what of it is written: all, or what a map names. Counts and sums what passes. */
export class Ranges {
  readonly #map: BlockMap | undefined;
  readonly #done: SummedRange[] = [];
  #bytes = 0;

  constructor(map: BlockMap | undefined) {
    this.#map = map;
  }

  /** How long the image is, so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Those that have passed whole. */
  get done(): readonly SummedRange[] {
    return this.#done;
  }

  /** How much of the image passed. */
  get mappedBytes(): number {
    return this.#done.reduce((sum, { length }) => sum + length, 0);
  }

  /** Throws data_loss at the end of a range that the map has another checksum for, and when the length is not the map's. */
  async *of(image: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
    const all: MappedRange = { at: 0, length: Number.POSITIVE_INFINITY, sha256: undefined };
    const wanted = (this.#map?.ranges ?? [all]).values();
    let range = wanted.next().value;
    let hash = createHash("sha256");
    const endRange = (current: MappedRange, length: number) => {
      this.#done.push({ at: current.at, length, sha256: checked(current, hash.digest("hex")) });
      range = wanted.next().value;
      hash = createHash("sha256");
    };
    for await (const piece of image) {
      const from = this.#bytes;
      this.#bytes += piece.length;
      this.#compareLength("part");
      while (range !== undefined && range.at < this.#bytes) {
        const at = Math.max(range.at, from);
        const end = Math.min(range.at + range.length, this.#bytes);
        const bytes = piece.subarray(at - from, end - from);
        hash.update(bytes);
        yield { at, bytes };
        if (end < range.at + range.length) {
          break;
        }
        endRange(range, range.length);
      }
    }
    this.#compareLength("whole");
    if (this.#map === undefined && range !== undefined) {
      endRange(range, this.#bytes);
    }
  }

  #compareLength(passed: "part" | "whole"): void {
    const wanted = this.#map?.imageBytes ?? this.#bytes;
    if (passed === "part" ? this.#bytes > wanted : this.#bytes !== wanted) {
      const bytes = passed === "part" ? `more than ${wanted}` : `only ${this.#bytes}`;
      throw new DutError("data_loss", `the image has ${bytes} bytes, and its bmap says ${wanted}`, {
        hint: "get a whole image, and the bmap that was made of it",
      });
    }
  }
}

function checked({ at, length, sha256 }: MappedRange, sum: string): string {
  if (sha256 !== undefined && sha256 !== sum) {
    throw new DutError("data_loss", `the image differs from its bmap between the bytes ${at} and ${at + length - 1}`, {
      hint: "get the image again, and the bmap that was made of it",
    });
  }
  return sum;
}

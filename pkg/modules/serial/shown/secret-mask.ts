import type { Secrets } from "../port/secrets.ts";

const stars = Buffer.from("***");

/** Replaces secrets by `***` in a stream of bytes, also when a piece cuts one in two. */
export class SecretMask {
  readonly #secrets: Secrets;
  #held = Buffer.alloc(0);

  /** What is added to the secrets later is hidden from then on. */
  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** What may be shown. An end that may be the beginning of a secret is kept back until the next piece tells. */
  write(piece: Uint8Array): Uint8Array {
    if (this.#secrets.lines.length === 0) {
      return piece;
    }
    const bytes = Buffer.concat([this.#held, piece]);
    const shown: Buffer[] = [];
    let from = 0;
    for (let found = this.#find(bytes, from); found !== undefined; found = this.#find(bytes, from)) {
      shown.push(bytes.subarray(from, found.at), stars);
      from = found.at + found.length;
    }
    const rest = bytes.subarray(from);
    const held = this.#beginning(rest);
    this.#held = Buffer.from(rest.subarray(rest.length - held));
    return Buffer.concat([...shown, rest.subarray(0, rest.length - held)]);
  }

  /** Stands for what is still kept back: part of a secret is not shown either. */
  end(): Uint8Array {
    const held = this.#held.length;
    this.#held = Buffer.alloc(0);
    return held > 0 ? stars : Buffer.alloc(0);
  }

  #find(bytes: Buffer, from: number): { at: number; length: number } | undefined {
    let first: { at: number; length: number } | undefined;
    for (const secret of this.#secrets.lines) {
      const at = bytes.indexOf(secret, from);
      if (at !== -1 && (first === undefined || at < first.at)) {
        first = { at, length: secret.length };
      }
    }
    return first;
  }

  /** How many bytes at the end are the beginning of some secret. */
  #beginning(bytes: Buffer): number {
    const longest = Math.min(bytes.length, Math.max(...this.#secrets.lines.map((secret) => secret.length)) - 1);
    for (let length = longest; length > 0; length -= 1) {
      const tail = bytes.subarray(bytes.length - length);
      if (this.#secrets.lines.some((secret) => secret.length > length && secret.subarray(0, length).equals(tail))) {
        return length;
      }
    }
    return 0;
  }
}

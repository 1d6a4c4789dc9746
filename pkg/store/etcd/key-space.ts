import type { KeyValue } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import type { Entry } from "../store.ts";

/** The keys of one lab among all of etcd's: those under a prefix. */
export class KeySpace {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  keyBytes(key: string): Uint8Array {
    return Buffer.from(this.#prefix + key);
  }

  /** Every key that begins so, as etcd wants it: up to the first that is behind all of them. */
  range(prefix: string): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
    const key = this.keyBytes(prefix);
    const rangeEnd = Buffer.from(key);
    // No byte of UTF-8 is 0xff.
    rangeEnd[rangeEnd.length - 1] = (rangeEnd.at(-1) as number) + 1;
    return { key, rangeEnd };
  }

  key({ key }: KeyValue): string {
    return Buffer.from(key).toString().slice(this.#prefix.length);
  }

  entry(kv: KeyValue): Entry {
    return { key: this.key(kv), value: Buffer.from(kv.value).toString(), revision: Number(kv.modRevision) };
  }
}

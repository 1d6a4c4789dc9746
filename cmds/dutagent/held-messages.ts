import { connectErrorFrom } from "#pkg/protocol/fault.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { FileMemory } from "./file-memory.ts";

/** Flag byte and 32-bit big-endian length, as the streams of gRPC, gRPC-Web and Connect have them. */
const prefixBytes = 5;

/**
 * The bytes of a stream of messages, where one that is larger than messages usually are waits until there is memory for
 * it, which it holds until the reader asks for what comes behind it. What is larger than it may be is passed on for the
 * reader to refuse.
 */
export async function* heldMessages(
  body: AsyncIterable<Uint8Array>,
  memory: FileMemory,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const prefix = Buffer.alloc(prefixBytes);
  let prefixSeen = 0;
  let left = 0;
  using held = new Held();
  for await (const chunk of body) {
    let passed = 0;
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      prefix[prefixSeen] = chunk[at] as number;
      prefixSeen += 1;
      at += 1;
      if (prefixSeen < prefixBytes) {
        continue;
      }
      prefixSeen = 0;
      left = prefix.readUInt32BE(1);
      if (left > limits.messageBytes && left <= limits.fileMessageBytes) {
        // What came before it may be what the others wait for.
        yield chunk.subarray(passed, at);
        passed = at;
        held.replace(undefined);
        held.replace(await memory.take(left, signal).catch(refuse));
      }
    }
    if (passed < chunk.length) {
      yield chunk.subarray(passed);
    }
    if (left === 0 && prefixSeen === 0) {
      held.replace(undefined);
    }
  }
}

/** The RPC library takes an error of ours for one that says nothing. */
function refuse(error: unknown): never {
  throw connectErrorFrom(error);
}

/** What is held now, if anything. */
class Held implements Disposable {
  #held: Disposable | undefined;

  replace(next: Disposable | undefined): void {
    this.#held?.[Symbol.dispose]();
    this.#held = next;
  }

  [Symbol.dispose](): void {
    this.replace(undefined);
  }
}

import type { DutError } from "#pkg/errors/dut-error.ts";
import type { FileAttributes, Progress } from "#pkg/modules/session.ts";

/** How a run ended. */
export interface Outcome {
  /** Undefined when it succeeded. */
  readonly error: DutError | undefined;
  /** Of the program that was run, where there was one and it exited by itself; 0 is told by nobody. */
  readonly exitStatus: number | undefined;
}

/** What a run says to its client, in order. */
export type RunEvent =
  | { readonly kind: "print" | "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly kind: "notice"; readonly text: string }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "raw-mode"; readonly on: boolean }
  | { readonly kind: "file-request"; readonly transfer: number; readonly name: string }
  | {
      readonly kind: "file-head";
      readonly transfer: number;
      readonly name: string;
      readonly attributes: FileAttributes;
    }
  | { readonly kind: "file-chunk"; readonly transfer: number; readonly start: number; readonly bytes: Uint8Array }
  | { readonly kind: "file-end"; readonly transfer: number; readonly size: number; readonly sha256: Uint8Array }
  | { readonly kind: "end"; readonly outcome: Outcome };

/** An event at its place in everything the run has said. */
export interface Entry {
  /** In bytes from the beginning. */
  readonly offset: number;
  /** Bytes of its data, at least 1. */
  readonly length: number;
  readonly event: RunEvent;
}

/** The bytes that an event stands for in the offsets: those of its data, at least 1. */
export function lengthOf(event: RunEvent): number {
  switch (event.kind) {
    case "print":
    case "stdout":
    case "stderr":
    case "file-chunk":
      return Math.max(1, event.bytes.length);
    case "notice":
      return Math.max(1, Buffer.byteLength(event.text));
    default:
      return 1;
  }
}

/**
 * An entry before and from an offset within it. Undefined for one that is not longer than 1, or whose parts would be no
 * events: only those with bytes can be parted.
 */
export function parted({ offset, length, event }: Entry, at: number): readonly [Entry, Entry] | undefined {
  const cut = at - offset;
  if (cut <= 0 || cut >= length || !("bytes" in event)) {
    return undefined;
  }
  const front = event.bytes.subarray(0, cut);
  const back = event.bytes.subarray(cut);
  const rest =
    event.kind === "file-chunk" ? { ...event, start: event.start + cut, bytes: back } : { ...event, bytes: back };
  return [
    { offset, length: cut, event: { ...event, bytes: front } },
    { offset: at, length: length - cut, event: rest },
  ];
}

import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RunResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

export type Answer = MessageInitShape<typeof RunResponseSchema>;
export type Said = NonNullable<Answer["msg"]>;

/** What a run says, or what it waits for before it goes on. */
export type Step =
  | Said
  /** That so many bytes of input have come, or the end of the input when it is "end". */
  | { readonly until: number | "end" }
  /** That the file that was asked for as this transfer is whole. */
  | { readonly file: number }
  /** That it was told so many other things. */
  | { readonly others: number }
  /** That somebody has attached. */
  | { readonly attached: true };

export type Wait = Exclude<Step, Said>;

export const print = (text: string): Step => ({ case: "print", value: Buffer.from(text) });
export const stdout = (data: string | Uint8Array): Step => ({ case: "stdout", value: Buffer.from(data) });
export const stderr = (data: string | Uint8Array): Step => ({ case: "stderr", value: Buffer.from(data) });
export const wanted = (transfer: number, name: string): Step => ({ case: "fileRequest", value: { transfer, name } });

/** The end of a run, a success unless it says otherwise. */
export function ended(
  end: { readonly code?: string; readonly message?: string; readonly exitStatus?: number } = {},
): Step {
  return { case: "end", value: { code: "ok", ...end } };
}

/** A file as the agent hands it over, in chunks of so many bytes. */
export function offered(transfer: number, name: string, content: Uint8Array, chunk = 256 * 1024): Step[] {
  const chunks: Step[] = [];
  for (let start = 0; start < content.length; start += chunk) {
    const data = content.subarray(start, start + chunk);
    chunks.push({ case: "fileChunk", value: { transfer, offset: BigInt(start), data } });
  }
  const sha256 = createHash("sha256").update(content).digest();
  return [
    { case: "fileHead", value: { transfer, name, size: BigInt(content.length), mode: 0o755 } },
    ...chunks,
    { case: "fileEnd", value: { transfer, size: BigInt(content.length), sha256 } },
  ];
}

/** How far a message moves the offset of the journal. */
export function lengthOf(said: Said): number {
  switch (said.case) {
    case "print":
    case "stdout":
    case "stderr":
      return Math.max(1, (said.value as Uint8Array).length);
    case "fileChunk":
      return Math.max(1, (said.value.data as Uint8Array).length);
    case "notice":
      return Math.max(1, Buffer.byteLength(said.value as string));
    default:
      return 1;
  }
}

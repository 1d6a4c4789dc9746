import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";

export type Compression = "raw" | "gzip" | "zstd" | "xz";

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

/** The bytes that are enough to know a compression. */
export const magicBytes = 6;

export function compressionOf(head: Uint8Array): Compression {
  return magics.find(([, magic]) => magic.every((byte, index) => head[index] === byte))?.[0] ?? "raw";
}

/** Where xz may find the compressed image as a file, and what it runs on. */
interface Workbench {
  readonly host: Pick<Host, "files" | "processes">;
  /** `<spool>.new` is made for an xz image and removed. */
  readonly spool: string;
  readonly signal: AbortSignal;
}

/** The raw bytes. Throws data_loss when the compressed ones are damaged or end too soon. */
export function decompress(
  compression: Compression,
  source: AsyncIterable<Uint8Array>,
  workbench: Workbench,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "raw":
      return source;
    case "gzip":
      return through(createGunzip(), source, "gzip");
    case "zstd":
      return through(createZstdDecompress(), source, "zstd");
    case "xz":
      return unxz(source, workbench);
  }
}

async function* through(unpack: ReturnType<typeof createGunzip>, source: AsyncIterable<Uint8Array>, name: string) {
  const fed = pipeline(source, unpack).then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    yield* unpack as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw error instanceof Error && "code" in error && /^Z(STD)?_/.test(String(error.code))
      ? damaged(name, messageOf(error))
      : error;
  } finally {
    unpack.destroy();
    await fed;
  }
}

async function* unxz(source: AsyncIterable<Uint8Array>, { host, spool, signal }: Workbench) {
  if ((await host.processes.find("xz")) === undefined) {
    throw new DutError("failed_precondition", "an xz image needs the program xz, which this agent does not have", {
      hint: "apt-get install xz-utils, or compress the image with gzip or zstd",
    });
  }
  await using spooled = await host.files.replace(spool);
  for await (const piece of source) {
    await spooled.write(piece);
  }
  await using xz = await host.processes.start({ program: "xz", args: ["-dc", "--", spooled.path], signal });
  const complaint = textOf(xz.stderr);
  yield* xz.stdout;
  const status = await xz.exited;
  signal.throwIfAborted();
  if (status.kind === "killed" || status.code !== 0) {
    const said = (await complaint).trim().replaceAll(`${spooled.path}: `, "").replace(/^xz: /, "");
    throw damaged("xz", said || "xz did not finish");
  }
}

async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of output) {
    text = (text + Buffer.from(piece).toString()).slice(0, 1000);
  }
  return text;
}

function damaged(name: string, reason: string): DutError {
  return new DutError("data_loss", `the ${name} image is damaged: ${reason}`, {
    hint: "send a whole one; the disk is as it was",
  });
}

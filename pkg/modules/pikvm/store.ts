import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { withProgress } from "../image-stream/with-progress.ts";
import type { Call } from "../module.ts";
import { readUntil } from "../power/read-until.ts";
import { type Kvm, parseJson, throwIfRefused } from "./kvm.ts";
import { readMedia, type Storage } from "./media.ts";
import type { PikvmOptions } from "./options.ts";

/** How long a PiKVM may be silent: at the end it writes what it has taken to a memory card. */
const idleMs = 120_000;

/** What half an image is good for. */
const removeIncomplete = { remove_incomplete: "1" } as const;

/** Stores a file of the client's on the PiKVM, piece by piece: nothing of it is kept on the agent. */
export async function uploadImage(
  { file, image }: { readonly file: string; readonly image: string },
  kvm: Kvm,
  options: PikvmOptions,
  call: Call,
): Promise<void> {
  const { storage } = await readMedia(kvm);
  throwIfStored(storage, image);
  const content = await call.session.requestFile(file);
  const { size } = content.attributes;
  if (size === undefined) {
    throw new DutError("failed_precondition", "the client does not say how large the file is", {
      hint: "the PiKVM has to know it first: use a newer client",
    });
  }
  throwUnlessFits(storage, size);
  {
    await using _ = await kvm.open(
      "POST",
      "/api/msd/write",
      { image, ...removeIncomplete },
      {
        idleMs,
        headers: { "content-type": "application/octet-stream", "content-length": String(size) },
        body: withProgress(content, { session: call.session, total: size, label: "upload" }),
      },
    );
  }
  await confirmStored(image, size, kvm, options, call);
}

const report = z.object({
  result: z.object({ image: z.object({ name: z.string(), size: z.number(), written: z.number() }) }),
});

/** Has the PiKVM fetch an image itself. It stops when the run ends. */
export async function fetchImage(
  { url, image }: { readonly url: string; readonly image: string | undefined },
  kvm: Kvm,
  options: PikvmOptions,
  call: Call,
): Promise<void> {
  if (image !== undefined) {
    throwIfStored((await readMedia(kvm)).storage, image);
  }
  const query = { url, ...(image === undefined ? {} : { image }), ...removeIncomplete };
  await using response = await kvm.open("POST", "/api/msd/write_remote", query, { idleMs });
  let last: z.output<typeof report>["result"]["image"] | undefined;
  for await (const line of linesOf(response.body)) {
    const answer = parseJson(line, "POST /api/msd/write_remote");
    throwIfRefused("POST /api/msd/write_remote", answer);
    const { success, data } = report.safeParse(answer);
    if (success) {
      last = data.result.image;
      await call.session.progress({ done: last.written, total: last.size, unit: "bytes", label: "fetch" });
    }
  }
  if (last === undefined) {
    throw new DutError("data_loss", "POST /api/msd/write_remote: it does not say what it stored");
  }
  await confirmStored(last.name, last.size, kvm, options, call);
}

async function confirmStored(image: string, size: number, kvm: Kvm, options: PikvmOptions, { session, signal }: Call) {
  const read = async () => (await readMedia(kvm)).storage.images[image];
  const isWhole = (stored: Storage["images"][string] | undefined) => stored?.complete === true && stored.size === size;
  const stored = await readUntil({ read, withinMs: parseDuration(options.confirm), signal }, isWhole);
  if (!isWhole(stored)) {
    const what = stored === undefined ? "not stored" : `stored with ${stored.size} of ${size} bytes`;
    throw new DutError("data_loss", `the image ${image} was taken, but is ${what}`);
  }
  await session.print(`Stored ${image}: ${size} bytes\n`);
}

/** A file with the same name is not overwritten: it may be what the device runs from. */
function throwIfStored({ images }: Storage, image: string): void {
  if (Object.hasOwn(images, image)) {
    throw new DutError("already_exists", `the PiKVM has an image ${image} already`, {
      hint: "remove it first, or give another name",
    });
  }
}

function throwUnlessFits({ parts }: Storage, size: number): void {
  const free = parts?.[""]?.free;
  if (free !== undefined && free < size) {
    throw new DutError("resource_exhausted", `the image has ${size} bytes, and the PiKVM has ${free} free`, {
      hint: "remove images that are not needed",
    });
  }
}

/** Of one line: a report is a hundredth of that. */
const mostLineBytes = 64 * 1024;

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > mostLineBytes) {
      throw new DutError("data_loss", "the PiKVM sent a line without end");
    }
    yield* lines.filter((line) => line.trim() !== "");
  }
  if (rest.trim() !== "") {
    yield rest;
  }
}

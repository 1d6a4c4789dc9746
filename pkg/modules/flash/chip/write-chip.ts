import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import { refuseWithoutRoom, storeImage } from "#pkg/modules/image-stream/store-image.ts";
import type { Call } from "#pkg/modules/module.ts";
import type { FlashOptions } from "../options.ts";
import type { FlashRequest } from "../parse-request.ts";
import type { Chip, FlashTool } from "../tool/flash-tool.ts";
import { undefinedContent } from "../tool/tool-failure.ts";
import { Programmer, type Workshop } from "./programmer.ts";

const name = "image.bin";
const readBackName = "back.bin";

/** Writes an image to the chip if it fits, and sees to it that it is there afterwards unless nobody wants to know. */
export async function writeChip(
  request: Extract<FlashRequest, { kind: "write" }>,
  options: Pick<FlashOptions, "verify" | "skip-unchanged">,
  shop: Workshop,
  directory: string,
  call: Call,
): Promise<void> {
  const programmer = new Programmer(shop, directory, call);
  const chip = await programmer.probe();
  await call.session.print(`Found ${chip.name} with ${chip.bytes} bytes\n`);
  const bytes = await fetchImage(request, shop, chip, programmer.path(name), call);
  if (shop.tool.compare === undefined) {
    await refuseWithoutRoom(programmer.path(readBackName), chip.bytes, shop.host.files);
  }
  const isThere = () => hasImage(programmer, shop, bytes, call);
  if (options["skip-unchanged"] && (await isThere())) {
    await call.session.print("The chip has this image already: nothing was written\n");
    return;
  }
  await programmer.write(name);
  if (options.verify && !shop.tool.verifies) {
    if (!(await isThere())) {
      const message = "flash operation failed: what was read back is not what was written";
      throw new DutError("data_loss", `${message}; ${undefinedContent}`);
    }
    await call.session.print("Read back: the chip has the image\n");
  }
}

/** Puts the image where only this run has it, as soon as its size is known to fit. Returns its bytes. */
async function fetchImage(
  { from, image }: Extract<FlashRequest, { kind: "write" }>,
  { host: { files }, tool }: Workshop,
  chip: Chip,
  path: string,
  call: Call,
): Promise<number> {
  const store = async (content: AsyncIterable<Uint8Array>, size: number | undefined) => {
    if (size !== undefined) {
      refuseMisfit(size, chip, tool);
    }
    const limit = (soFar: number) => soFar > chip.bytes && refuseMisfit(soFar, chip, tool);
    const bytes = await storeImage(path, { size, content, limit }, files, call);
    refuseMisfit(bytes, chip, tool);
    return bytes;
  };
  if (from === "client") {
    const file = await call.session.requestFile(image);
    return await store(file, file.attributes.size);
  }
  await using file = await files.read(image);
  return await store(file.content, file.size);
}

function refuseMisfit(bytes: number, chip: Chip, tool: FlashTool): void {
  const misfit = tool.misfit(bytes, chip);
  if (misfit !== undefined) {
    throw new DutError("invalid_argument", `the image has ${bytes} bytes and ${misfit} ${chip.name}`, {
      hint: "give an image for this chip; nothing was written",
    });
  }
}

/** Whether the chip, or each of several, begins with the image. */
async function hasImage(programmer: Programmer, shop: Workshop, bytes: number, call: Call): Promise<boolean> {
  const { tool, host } = shop;
  if (tool.compare !== undefined) {
    await call.session.print("Comparing the chip with the image\n");
    return await programmer.compare(tool.compare, name);
  }
  const found = await programmer.read(readBackName);
  const wanted = await digest(programmer.path(name), bytes, host.files);
  const digests = await Promise.all(found.map((path) => digest(path, bytes, host.files)));
  call.signal.throwIfAborted();
  return digests.length > 0 && digests.every((each) => each === wanted);
}

/** Of the first bytes of a file; a shorter one has another. */
async function digest(path: string, bytes: number, files: Files): Promise<string> {
  await using file = await files.read(path);
  const hash = createHash("sha256");
  let left = bytes;
  for await (const piece of file.content) {
    hash.update(piece.subarray(0, left));
    left -= Math.min(left, piece.length);
  }
  return `${left} bytes short: ${hash.digest("hex")}`;
}

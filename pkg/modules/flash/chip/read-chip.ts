import { DutError } from "#pkg/errors/dut-error.ts";
import { refuseWithoutRoom } from "#pkg/modules/image-stream/store-image.ts";
import type { Call } from "#pkg/modules/module.ts";
import { Programmer, type Workshop } from "./programmer.ts";

const name = "image.bin";

/** Sends the content of the chip to the client, as `image`, if all of it was read. */
export async function readChip(image: string, shop: Workshop, directory: string, call: Call): Promise<void> {
  const { files } = shop.host;
  const programmer = new Programmer(shop, directory, call);
  const chip = await programmer.probe();
  await refuseWithoutRoom(programmer.path(name), chip.bytes, files);
  const [path, ...more] = await programmer.read(name);
  if (path === undefined) {
    throw new DutError("aborted", `flash operation failed: ${shop.name} ended well but has read nothing`);
  }
  if (more.length > 0) {
    throw new DutError("failed_precondition", `${shop.name} has read ${more.length + 1} programmers`, {
      hint: "set the option programmer to the number of one of them",
    });
  }
  await using content = await files.read(path);
  if (content.size !== chip.bytes) {
    throw new DutError(
      "data_loss",
      `${shop.name} has read ${content.size} of the ${chip.bytes} bytes of the chip ${chip.name}`,
    );
  }
  await call.session.sendFile(image, content.content, { size: content.size });
}

import type { Host } from "#pkg/host/host.ts";
import { defineModule } from "../module.ts";
import { type ImageOptions, imageOptions, placeOf, resourcesOf } from "./options.ts";
import { parseAction, writeUsage } from "./parse-action.ts";
import { readImage } from "./read.ts";
import { writeImage } from "./write/write-image.ts";

/** Writes disk images to cards, sticks and other disks of the agent. */
export const image = defineModule({
  name: "image",
  summary: "write a disk image to a block device or a disk that is a file",
  config: imageOptions,
  resources: resourcesOf,
  help: (options) => `${writeUsage(options).padEnd(24)}${
    options.file === undefined ? "write an image of yours" : `write the image ${options.file} of the agent`
  }: raw, or compressed with gzip, zstd or xz
read <image> [bytes]    send you the beginning of the disk, or all of it
status                  say what the disk is

The disk is ${placeOf(options).path}.
`,
  async open(options, { host }) {
    return {
      async run(call) {
        const action = parseAction(call.args, options);
        switch (action.kind) {
          case "write":
            return await writeImage(action.origin, options, host, call);
          case "read":
            return await readImage(action.name, action.bytes, options, host, call);
          case "status":
            return await call.session.print(`${await renderStatus(options, host)}\n`);
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function renderStatus(options: ImageOptions, { disks, files }: Host): Promise<string> {
  const { kind, path } = placeOf(options);
  if (kind === "disk") {
    const size = await files.size(path);
    return size === undefined ? `${path}: not there yet` : `${path}: ${size} bytes`;
  }
  const found = await disks.look(path);
  if (found === undefined) {
    return `${path}: not there`;
  }
  const { path: node, bytes, readOnly, model, uses } = found;
  const facts = [
    bytes === 0 ? "no medium" : `${bytes} bytes`,
    ...(model === undefined ? [] : [model]),
    ...(readOnly && bytes > 0 ? ["read-only"] : []),
    ...(uses.length === 0 ? ["not in use"] : uses),
  ];
  return `${node}: ${facts.join(", ")}`;
}

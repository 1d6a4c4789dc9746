import { resolve } from "node:path";
import { z } from "zod";
import type { Resource } from "../module.ts";
import { durationOption } from "../options/duration-option.ts";
import { sizeOption } from "../options/size-option.ts";

export const imageOptions = z
  .strictObject({
    device: z.string().min(1).optional().describe("block device that is written, by a path that stays the same"),
    disk: z.string().min(1).optional().describe("instead of a device, a disk that is a file: of a virtual board"),
    file: z.string().min(1).optional().describe("image on the agent that `write` takes instead of the client's"),
    bmap: z.string().min(1).optional().describe("block map on the agent, of the image `file`"),
    limit: sizeOption().default("64G").describe("the largest image that `write` takes, also after unpacking"),
    verify: z.boolean().default(true).describe("read back what was written, and compare it"),
    wait: durationOption().default("10s").describe("how long the device and its medium may take to come"),
  })
  .refine(({ device, disk }) => (device === undefined) !== (disk === undefined), {
    path: ["device"],
    message: "give either device or disk",
  })
  .refine(({ file, bmap }) => bmap === undefined || file !== undefined, {
    path: ["bmap"],
    message: "a bmap on the agent needs the option file; the client's is an argument of write",
  });

export type ImageOptions = z.output<typeof imageOptions>;

/** Where images go: relative paths start at the agent's working directory. */
export type Place = { readonly kind: "device" | "disk"; readonly path: string };

export function placeOf({ device, disk }: ImageOptions): Place {
  return device === undefined
    ? { kind: "disk", path: resolve(disk as string) }
    : { kind: "device", path: resolve(device) };
}

export function resourcesOf(options: ImageOptions): readonly Resource[] {
  return [{ kind: "disk", name: placeOf(options).path }];
}

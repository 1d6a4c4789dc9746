import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Call } from "../module.ts";
import { readUntil } from "../power/read-until.ts";
import type { Kvm } from "./kvm.ts";
import type { PikvmOptions } from "./options.ts";

const space = z.object({ free: z.number(), size: z.number() });

/** The mass storage drive. What it shows and stores is null while it is off line. */
const msd = z.object({
  enabled: z.boolean(),
  online: z.boolean(),
  drive: z
    .object({
      image: z.object({ name: z.string() }).nullable(),
      connected: z.boolean(),
      cdrom: z.boolean(),
      rw: z.boolean().default(false),
    })
    .nullable(),
  storage: z
    .object({
      images: z.record(z.string(), z.object({ size: z.number(), complete: z.boolean() })),
      parts: z.record(z.string(), space).optional(),
    })
    .nullable(),
});

type State = z.output<typeof msd>;

export type Drive = NonNullable<State["drive"]>;
export type Storage = NonNullable<State["storage"]>;

/** Throws failed_precondition when the drive cannot be used. */
export async function readMedia(kvm: Kvm): Promise<{ readonly drive: Drive; readonly storage: Storage }> {
  const { enabled, online, drive, storage } = await kvm.get("/api/msd", msd);
  if (!enabled || !online || drive === null || storage === null) {
    throw new DutError("failed_precondition", "the PiKVM's mass storage drive is not available", {
      hint: enabled ? "its storage is off line: see its log" : "it is switched off in its configuration",
    });
  }
  return { drive, storage };
}

export async function showMedia(kvm: Kvm, { session }: Call): Promise<void> {
  const { drive, storage } = await readMedia(kvm);
  const images = Object.entries(storage.images).map(
    ([name, { size, complete }]) => `Image ${name}: ${size} bytes${complete ? "" : ", incomplete"}\n`,
  );
  const free = storage.parts?.[""]?.free;
  await session.print(
    [`Drive: ${renderDrive(drive)}\n`, ...images, ...(free === undefined ? [] : [`Free: ${free} bytes\n`])].join(""),
  );
}

/** Shows a stored image to the device, in place of one that is there. */
export async function insertImage(
  { image, cdrom, rw }: { readonly image: string; readonly cdrom: boolean; readonly rw: boolean },
  kvm: Kvm,
  options: PikvmOptions,
  call: Call,
): Promise<void> {
  const { drive, storage } = await readMedia(kvm);
  storedImage(storage, image);
  if (drive.connected) {
    await disconnect(kvm, options, call);
  }
  await kvm.post("/api/msd/set_params", { image, cdrom: cdrom ? "1" : "0", rw: rw ? "1" : "0" });
  await kvm.post("/api/msd/set_connected", { connected: "1" });
  const isIn = (now: Drive) => now.connected && now.image?.name === image && now.cdrom === cdrom && now.rw === rw;
  await confirmDrive(isIn, kvm, options, call);
}

export async function ejectImage(kvm: Kvm, options: PikvmOptions, call: Call): Promise<void> {
  const { drive } = await readMedia(kvm);
  if (drive.connected) {
    await disconnect(kvm, options, call);
  } else {
    await call.session.print(`Drive: ${renderDrive(drive)}\n`);
  }
}

export async function removeImage(image: string, kvm: Kvm, options: PikvmOptions, { session, signal }: Call) {
  const { drive, storage } = await readMedia(kvm);
  storedImage(storage, image);
  if (drive.connected && drive.image?.name === image) {
    throw new DutError("failed_precondition", `the image ${image} is inserted`, { hint: "eject it first" });
  }
  await kvm.post("/api/msd/remove", { image });
  const read = async () => Object.hasOwn((await readMedia(kvm)).storage.images, image);
  if (await readUntil({ read, withinMs: parseDuration(options.confirm), signal }, (there) => !there)) {
    throw new DutError("deadline_exceeded", `the image ${image} is still stored after ${options.confirm}`);
  }
  await session.print(`Removed ${image}\n`);
}

async function disconnect(kvm: Kvm, options: PikvmOptions, call: Call): Promise<void> {
  await kvm.post("/api/msd/set_connected", { connected: "0" });
  await confirmDrive((drive) => !drive.connected, kvm, options, call);
}

async function confirmDrive(
  enough: (drive: Drive) => boolean,
  kvm: Kvm,
  options: PikvmOptions,
  { session, signal }: Call,
): Promise<void> {
  const read = async () => (await readMedia(kvm)).drive;
  const drive = await readUntil({ read, withinMs: parseDuration(options.confirm), signal }, enough);
  if (!enough(drive)) {
    throw new DutError(
      "deadline_exceeded",
      `the command was accepted, but the drive is still ${renderDrive(drive)} after ${options.confirm}`,
    );
  }
  await session.print(`Drive: ${renderDrive(drive)}\n`);
}

function storedImage({ images }: Storage, image: string): void {
  if (!Object.hasOwn(images, image)) {
    throw new DutError("not_found", `the PiKVM has no image ${quote(image)}`, {
      hint: `it has ${Object.keys(images).join(", ") || "none"}`,
    });
  }
}

function renderDrive({ image, connected, cdrom, rw }: Drive): string {
  if (!connected || image === null) {
    return "empty";
  }
  return `${image.name} as a ${cdrom ? "CD-ROM" : "USB stick"}${rw ? ", writable" : ""}`;
}

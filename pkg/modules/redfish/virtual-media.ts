import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Call } from "../module.ts";
import { readUntil } from "../power/read-until.ts";
import { change } from "./change.ts";
import type { RedfishOptions } from "./options.ts";
import type { RemoteImage } from "./parse-action.ts";
import type { Resource, Service } from "./service.ts";
import { collection, link, readSystem } from "./system.ts";

const action = z.object({ target: z.string() }).optional();

/** What is used of the schema VirtualMedia. */
const virtualMedia = z.object({
  Id: z.string(),
  MediaTypes: z.array(z.string()).nullish(),
  Image: z.string().nullish(),
  Inserted: z.boolean().nullish(),
  Actions: z.object({ "#VirtualMedia.InsertMedia": action, "#VirtualMedia.EjectMedia": action }).optional(),
});

type Media = Resource<z.output<typeof virtualMedia>>;

const manager = z.object({ VirtualMedia: link.optional() });

export const isInserted = ({ content: { Inserted, Image } }: Media) => Inserted ?? (Image ?? "") !== "";

/** The virtual media of a system: its own, as newer services have them, or those of its managers. */
export async function readMedia(service: Service, system: string): Promise<readonly Media[]> {
  const { content } = await readSystem(service, system);
  const collections = content.VirtualMedia === undefined ? [] : [content.VirtualMedia];
  if (collections.length === 0) {
    for (const { "@odata.id": path } of content.Links?.ManagedBy ?? []) {
      const { content: found } = await service.get(path, manager);
      collections.push(...(found.VirtualMedia === undefined ? [] : [found.VirtualMedia]));
    }
  }
  const media: Media[] = [];
  for (const { "@odata.id": path } of collections) {
    const { content: members } = await service.get(path, collection);
    for (const member of members.Members) {
      media.push(await service.get(member["@odata.id"], virtualMedia));
    }
  }
  return media;
}

/** Has the service fetch an image and show it to the system, and reads back that it does. */
export async function insertMedia(
  image: RemoteImage,
  service: Service,
  system: string,
  options: RedfishOptions,
  call: Call,
): Promise<void> {
  const media = choose(await readMedia(service, system), image.url, options.media);
  const { url, user, password } = image;
  const login = {
    ...(user === undefined ? {} : { UserName: user }),
    ...(password === undefined ? {} : { Password: password }),
  };
  const body = { Image: url, Inserted: true, WriteProtected: true, ...login };
  const target = media.content.Actions?.["#VirtualMedia.InsertMedia"]?.target;
  await (target === undefined
    ? change(
        service,
        () => service.get(media.path, virtualMedia),
        () => body,
      )
    : service.post(target, body));
  const after = await confirm(media, true, service, options, call);
  await call.session.print(`${after.Id}: ${after.Image ?? url} is inserted\n`);
}

/** Takes out whatever is inserted, or what is in the media that the options name. */
export async function ejectMedia(service: Service, system: string, options: RedfishOptions, call: Call): Promise<void> {
  const all = await readMedia(service, system);
  const inserted = named(all, options.media).filter(isInserted);
  for (const media of inserted) {
    const target = media.content.Actions?.["#VirtualMedia.EjectMedia"]?.target;
    await (target === undefined
      ? change(
          service,
          () => service.get(media.path, virtualMedia),
          () => ({ Image: null, Inserted: false }),
        )
      : service.post(target, {}));
    const { Id } = await confirm(media, false, service, options, call);
    await call.session.print(`${Id}: ejected ${media.content.Image ?? "the image"}\n`);
  }
  if (inserted.length === 0) {
    await call.session.print("Nothing is inserted\n");
  }
}

async function confirm({ path }: Media, wanted: boolean, service: Service, options: RedfishOptions, { signal }: Call) {
  const read = () => service.get(path, virtualMedia);
  const after = await readUntil(
    { read, withinMs: parseDuration(options.confirm), signal },
    (media) => isInserted(media) === wanted,
  );
  if (isInserted(after) !== wanted) {
    const still = wanted ? "nothing is inserted" : "the image is still inserted";
    throw new DutError("deadline_exceeded", `the change was accepted, but ${still} after ${options.confirm}`, {
      hint: wanted ? "can the service reach the server of the image?" : "is it in use by the system?",
    });
  }
  return after.content;
}

function named(all: readonly Media[], id: string | undefined): readonly Media[] {
  const found = all.filter(({ content }) => id === undefined || content.Id === id);
  if (found.length === 0) {
    throw all.length === 0
      ? new DutError("unimplemented", "the service has no virtual media for this system")
      : new DutError("not_found", `the service has no virtual media ${quote(id ?? "")}`, {
          hint: `set the option media to one of ${all.map(({ content }) => content.Id).join(", ")}`,
        });
  }
  return found;
}

/** A drive that is empty and suits the name of the image. */
function choose(all: readonly Media[], url: string, id: string | undefined): Media {
  const candidates = named(all, id);
  const types = suitableTypes(url);
  const suits = ({ content: { MediaTypes } }: Media) =>
    id !== undefined || types === undefined || (MediaTypes ?? types).some((type) => types.includes(type));
  const suitable = candidates.filter(suits);
  const free = suitable.find((media) => !isInserted(media));
  if (free === undefined) {
    throw suitable.length === 0
      ? new DutError("failed_precondition", `no virtual media takes ${types?.join(" or ")}`, {
          hint: "set the option media, if one takes the image nevertheless",
        })
      : new DutError(
          "failed_precondition",
          `${suitable.map(({ content }) => content.Id).join(", ")}: an image is inserted`,
          {
            hint: "eject it first",
          },
        );
  }
  return free;
}

function suitableTypes(url: string): readonly string[] | undefined {
  const path = URL.parse(url)?.pathname.toLowerCase() ?? "";
  if (path.endsWith(".iso")) {
    return ["CD", "DVD"];
  }
  return /\.(?:img|bin|raw)$/.test(path) ? ["USBStick"] : undefined;
}

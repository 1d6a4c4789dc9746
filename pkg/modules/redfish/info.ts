import { renderBoot } from "./boot.ts";
import type { Service } from "./service.ts";
import { readReset, readSystem } from "./system.ts";
import { isInserted, readMedia } from "./virtual-media.ts";

/** What the service knows of a system, a line each; what it does not know is left out. */
export async function renderInfo(service: Service, path: string): Promise<string> {
  const system = await readSystem(service, path);
  const { content } = system;
  const { types = [] } = content.Actions === undefined ? {} : await readReset(service, system);
  const media = await readMedia(service, path);
  const lines: readonly (readonly [label: string, value: string | number | null | undefined])[] = [
    ["System", content.Id],
    ["Manufacturer", content.Manufacturer],
    ["Model", content.Model],
    ["Serial number", content.SerialNumber],
    ["BIOS", content.BiosVersion],
    ["Power", content.PowerState],
    ["Health", content.Status?.Health],
    ["Processors", content.ProcessorSummary?.Count],
    ["Memory (GiB)", content.MemorySummary?.TotalSystemMemoryGiB],
    ["Boot source override", content.Boot && renderBoot(content.Boot)],
    ["Boot sources", content.Boot?.["BootSourceOverrideTarget@Redfish.AllowableValues"]?.join(", ")],
    ["Reset types", types.join(", ")],
    ...media.map(
      (one) => [`Media ${one.content.Id}`, isInserted(one) ? (one.content.Image ?? "inserted") : "empty"] as const,
    ),
  ];
  return lines
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([label, value]) => `${label}: ${value}\n`)
    .join("");
}

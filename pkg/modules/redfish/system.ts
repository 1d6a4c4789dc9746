import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { RedfishOptions } from "./options.ts";
import type { Resource, Service } from "./service.ts";

export const link = z.object({ "@odata.id": z.string() });

const allowable = z.array(z.string()).optional();

/** What is used of the schema ComputerSystem. Values may be null, as in the schema. */
const computerSystem = z.object({
  Id: z.string(),
  PowerState: z.string().nullish(),
  Manufacturer: z.string().nullish(),
  Model: z.string().nullish(),
  SerialNumber: z.string().nullish(),
  BiosVersion: z.string().nullish(),
  Status: z.object({ Health: z.string().nullish(), State: z.string().nullish() }).nullish(),
  ProcessorSummary: z.object({ Count: z.number().nullish(), Model: z.string().nullish() }).nullish(),
  MemorySummary: z.object({ TotalSystemMemoryGiB: z.number().nullish() }).nullish(),
  Boot: z
    .object({
      BootSourceOverrideTarget: z.string().nullish(),
      BootSourceOverrideEnabled: z.string().nullish(),
      "BootSourceOverrideTarget@Redfish.AllowableValues": allowable,
      "BootSourceOverrideEnabled@Redfish.AllowableValues": allowable,
    })
    .nullish(),
  Actions: z
    .object({
      "#ComputerSystem.Reset": z
        .object({
          target: z.string(),
          "ResetType@Redfish.AllowableValues": allowable,
          "@Redfish.ActionInfo": z.string().optional(),
        })
        .optional(),
    })
    .optional(),
  VirtualMedia: link.optional(),
  Links: z.object({ ManagedBy: z.array(link).optional() }).optional(),
});

export type ComputerSystem = z.output<typeof computerSystem>;

export const collection = z.object({ Members: z.array(link) });

const serviceRoot = z.object({ Systems: link.optional() });

/** The system as it is now. */
export async function readSystem(service: Service, path: string): Promise<Resource<ComputerSystem>> {
  return await service.get(path, computerSystem);
}

/** The path of the system that is meant. Throws failed_precondition with the ids when the options leave it open. */
export async function findSystem(service: Service, { system }: RedfishOptions): Promise<string> {
  const root = await service.get("/redfish/v1/", serviceRoot);
  const systems = root.content.Systems;
  if (systems === undefined) {
    throw new DutError("failed_precondition", "the service has no systems");
  }
  const { content } = await service.get(systems["@odata.id"], collection);
  const paths = content.Members.map((member) => member["@odata.id"]);
  const [only, ...others] = system === undefined ? paths : paths.filter((path) => idOf(path) === system);
  const hint = `set the option system to one of ${paths.map(idOf).join(", ")}`;
  if (only === undefined) {
    throw system === undefined
      ? new DutError("failed_precondition", "the service has no systems")
      : new DutError("not_found", `the service has no system ${quote(system)}`, { hint });
  }
  if (others.length > 0) {
    throw new DutError("failed_precondition", `the service has ${paths.length} systems`, { hint });
  }
  return only;
}

/** The last part of a path, which is the id of a resource. */
function idOf(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1) ?? path;
}

const actionInfo = z.object({
  Parameters: z.array(z.object({ Name: z.string(), AllowableValues: allowable })),
});

/** Where a system is reset, and with which types; undefined when the service does not say which. */
export async function readReset(
  service: Service,
  { content: { Id, Actions } }: Resource<ComputerSystem>,
): Promise<{ readonly target: string; readonly types: readonly string[] | undefined }> {
  const reset = Actions?.["#ComputerSystem.Reset"];
  if (reset === undefined) {
    throw new DutError("unimplemented", `the service cannot switch the system ${Id}`);
  }
  const { target, "@Redfish.ActionInfo": info, "ResetType@Redfish.AllowableValues": types } = reset;
  if (types !== undefined || info === undefined) {
    return { target, types };
  }
  const { content } = await service.get(info, actionInfo);
  return { target, types: content.Parameters.find(({ Name }) => Name === "ResetType")?.AllowableValues };
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Call } from "../module.ts";
import { readUntil } from "../power/read-until.ts";
import { change } from "./change.ts";
import type { RedfishOptions } from "./options.ts";
import type { BootSource } from "./parse-action.ts";
import type { Resource, Service } from "./service.ts";
import { type ComputerSystem, readSystem } from "./system.ts";

/** Sets what the system boots next, or from now on, and reads it back. */
export async function overrideBoot(
  source: BootSource,
  persistent: boolean,
  service: Service,
  path: string,
  options: RedfishOptions,
  { session, signal }: Call,
): Promise<void> {
  const enabled = source === "None" ? "Disabled" : persistent ? "Continuous" : "Once";
  const wanted = { BootSourceOverrideEnabled: enabled, BootSourceOverrideTarget: source };
  await change(
    service,
    () => readSystem(service, path),
    (system) => {
      throwUnlessOffered(system, "BootSourceOverrideTarget", source);
      throwUnlessOffered(system, "BootSourceOverrideEnabled", enabled);
      return { Boot: wanted };
    },
  );
  const read = async () => (await readSystem(service, path)).content.Boot ?? undefined;
  const watch = { read, withinMs: parseDuration(options.confirm), signal };
  const is = (boot: ComputerSystem["Boot"]) =>
    boot?.BootSourceOverrideEnabled === enabled && (enabled === "Disabled" || boot.BootSourceOverrideTarget === source);
  const after = await readUntil(watch, is);
  if (!is(after)) {
    throw new DutError(
      "deadline_exceeded",
      `the change was accepted, but the boot source override is still ${renderBoot(after)} after ${options.confirm}`,
    );
  }
  await session.print(`Boot source override: ${renderBoot(after)}\n`);
}

/** `Pxe, Once`, or `Disabled`. */
export function renderBoot(boot: ComputerSystem["Boot"]): string {
  const { BootSourceOverrideEnabled: enabled, BootSourceOverrideTarget: target } = boot ?? {};
  return enabled === "Disabled" ? enabled : `${target ?? "unknown"}, ${enabled ?? "unknown"}`;
}

function throwUnlessOffered(
  { content: { Id, Boot } }: Resource<ComputerSystem>,
  property: "BootSourceOverrideTarget" | "BootSourceOverrideEnabled",
  value: string,
): void {
  if (Boot === undefined || Boot === null) {
    throw new DutError("unimplemented", `the service does not say what the system ${Id} boots`);
  }
  const offered = Boot[`${property}@Redfish.AllowableValues`];
  if (offered !== undefined && !offered.includes(value) && value !== "None" && value !== "Disabled") {
    throw new DutError("unimplemented", `the system ${Id} does not offer ${value} to boot`, {
      hint: `it offers ${offered.join(", ")}`,
    });
  }
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { AgentDevices } from "#pkg/protocol/gen/dutlab/v1/session_pb.ts";
import { problemOfName } from "#pkg/protocol/names.ts";
import type { DeviceFacts } from "../registry/agent-record.ts";

/** How many devices an agent may have: a bench has some ten. */
export const mostDevices = 2_000;
/** What names, descriptions and labels of all may have together, in characters; the store takes 1 MiB at once. */
const mostCharacters = 256 * 1024;
/** How much of a name that cannot be one is shown, in characters. */
const shownCharacters = 32;

/** What an agent announces, divided into what can be listed and what cannot. */
export interface Announcement {
  readonly devices: readonly DeviceFacts[];
  readonly unfit: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Reads what an agent announces. Throws resource_exhausted for more than a lab can hold; a single device that cannot be
 * listed is left out, and why.
 */
export function parseAnnouncement(announced: AgentDevices | undefined): Announcement {
  const devices: DeviceFacts[] = [];
  const unfit: { name: string; reason: string }[] = [];
  const names = new Set<string>();
  let characters = 0;
  for (const { name, description, labels } of announced?.devices ?? []) {
    const problem = name === "" ? "is empty" : names.has(name) ? "occurs twice" : problemOfName(name);
    if (problem !== undefined) {
      const shown = name.slice(0, shownCharacters).toWellFormed();
      unfit.push({ name: shown, reason: `the name of a device ${problem}: ${quote(shown)}` });
      continue;
    }
    names.add(name);
    devices.push({ name, description, labels });
    characters += name.length + description.length + JSON.stringify(labels).length;
  }
  if (devices.length > mostDevices || unfit.length > mostDevices || characters > mostCharacters) {
    throw new DutError(
      "resource_exhausted",
      `${devices.length} devices with ${characters} characters are more than an agent may announce`,
      { hint: `at most ${mostDevices} devices, with ${mostCharacters} characters of names, descriptions and labels` },
    );
  }
  return { devices, unfit };
}

import type { Processes } from "#pkg/host/processes.ts";
import { askToolWell } from "../tool/ask-tool.ts";

/** A USB port of a hub that can switch its ports, as uhubctl(8) names it. */
export interface UsbPort {
  readonly location: string;
  readonly port: number;
}

/** Long enough for the capacitors of a programmer. */
const offSeconds = "2";

/** Takes the power from a USB port and gives it back. Throws as `askToolWell` when uhubctl cannot. */
export async function powerCycle(
  { location, port }: UsbPort,
  program: string,
  processes: Processes,
  signal: AbortSignal,
): Promise<void> {
  const args = ["--location", location, "--ports", `${port}`, "--action", "cycle", "--delay", offSeconds];
  await askToolWell(processes, "uhubctl", { program, args, signal });
}

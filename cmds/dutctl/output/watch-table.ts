import type { TerminalSize } from "../terminal/terminal.ts";
import type { DeviceEvent } from "./content.ts";
import { deviceTable } from "./device-lines.ts";

/** The devices as they are now, for a terminal that draws them anew at every change. */
export function watchTable({ devices }: DeviceEvent, now: Date, { rows, columns }: TerminalSize): string[] {
  if (devices.length === 0) {
    return ["no devices"];
  }
  const lines = deviceTable(devices, now, columns - 1);
  const most = Math.max(2, rows - 1);
  return lines.length <= most ? lines : [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more devices`];
}

import { realpathSync } from "node:fs";
import { isAbsolute } from "node:path";

/**
 * The names by which runs and reservations exclude each other, such as `serial port /dev/ttyUSB0`, each once. A path
 * stands for what it leads to now, since a port has several; one that leads nowhere stands for itself.
 */
export function resourceNames(resources: Iterable<{ readonly kind: string; readonly name: string }>): string[] {
  return Array.from(new Set(Array.from(resources, ({ kind, name }) => `${kind} ${real(name)}`)));
}

function real(name: string): string {
  if (!isAbsolute(name)) {
    return name;
  }
  try {
    return realpathSync.native(name);
  } catch {
    return name;
  }
}

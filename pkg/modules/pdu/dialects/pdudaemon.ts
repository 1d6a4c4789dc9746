import { askUnit, type HttpUnit } from "../http-unit.ts";
import type { Outlet } from "../outlet.ts";

/**
 * A unit behind pdudaemon's HTTP listener. `name` is the unit's in its configuration, and the outlet's number is what its
 * driver takes. The daemon answers when it is done, also when it has failed, and knows no states.
 */
export function pdudaemon(daemon: HttpUnit, name: string, outlet: number): Outlet {
  return {
    async write(level, signal) {
      const query = new URLSearchParams({ hostname: name, port: String(outlet) });
      await askUnit(daemon, `/power/control/${level}?${query}`, signal);
    },
    read: undefined,
  };
}

import { z } from "zod";
import { askUnit, type HttpUnit, outletMissing, parseAnswer } from "../http-unit.ts";
import type { Outlet } from "../outlet.ts";

const netioJson = z.object({
  Outputs: z.array(z.object({ ID: z.int(), State: z.union([z.literal(0), z.literal(1)]) })),
});

/** NETIO's "JSON over HTTP(s)" M2M API, to be switched on in the unit: outputs count from 1, action 0 is off and 1 is on. */
export function netio(unit: HttpUnit, outlet: number): Outlet {
  return {
    async write(level, signal) {
      const wanted = { Outputs: [{ ID: outlet + 1, Action: level === "on" ? 1 : 0 }] };
      await askUnit(unit, "/netio.json", signal, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: Buffer.from(JSON.stringify(wanted)),
      });
    },
    async read(signal) {
      const { Outputs } = parseAnswer(await askUnit(unit, "/netio.json", signal), netioJson);
      const output = Outputs.find(({ ID }) => ID === outlet + 1);
      if (output === undefined) {
        throw outletMissing(outlet, Outputs.length);
      }
      return output.State === 1 ? "on" : "off";
    },
  };
}

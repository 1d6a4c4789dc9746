import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { askUnit, type HttpUnit, outletMissing, parseAnswer } from "../http-unit.ts";
import type { Outlet } from "../outlet.ts";

/** `components=1` asks for the outputs alone. */
const status = z.object({ outputs: z.array(z.object({ state: z.number() })).optional() });

/** Gude Expert Power Control, "EPC HTTP Interface" in the vendor's wiki: outputs count from 1. */
export function gude(unit: HttpUnit, outlet: number): Outlet {
  return {
    async write(level, signal) {
      await askUnit(unit, `/ov.html?cmd=1&p=${outlet + 1}&s=${level === "on" ? 1 : 0}`, signal);
    },
    async read(signal) {
      const { outputs = [] } = parseAnswer(await askUnit(unit, "/statusjsn.js?components=1", signal), status);
      if (outputs.length === 0) {
        throw new DutError("data_loss", "no outputs found in PDU status response");
      }
      const output = outputs[outlet];
      if (output === undefined) {
        throw outletMissing(outlet, outputs.length);
      }
      if (output.state !== 0 && output.state !== 1) {
        throw new DutError("data_loss", `invalid Gude outlet state: ${output.state}`);
      }
      return output.state === 1 ? "on" : "off";
    },
  };
}

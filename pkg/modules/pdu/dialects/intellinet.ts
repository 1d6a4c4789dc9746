import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { askUnit, type HttpUnit, outletMissing } from "../http-unit.ts";
import type { Level, Outlet } from "../outlet.ts";

/** Intellinet 163682 and LogiLink PDU8P01; as the Go module speaks to them. */
export function intellinet(unit: HttpUnit, outlet: number): Outlet {
  return {
    async write(level, signal) {
      await askUnit(unit, `/control_outlet.htm?op=${level === "on" ? 0 : 1}&outlet${outlet}=1`, signal);
    },
    async read(signal) {
      return parseStatus(await askUnit(unit, "/status.xml", signal), outlet);
    },
  };
}

/** Throws not_found, or data_loss for what is no state. */
function parseStatus(xml: string, outlet: number): Level {
  const [, value, end] = new RegExp(`<outletStat${outlet}>([^<]*)(</outletStat${outlet}>)?`).exec(xml) ?? [];
  if (value === undefined) {
    throw outletMissing(outlet);
  }
  if (end === undefined) {
    throw new DutError("data_loss", `malformed XML for outlet ${outlet}`);
  }
  const state = value.trim();
  if (state !== "on" && state !== "off") {
    throw new DutError("data_loss", `unexpected outlet state ${quote(state)} for outlet ${outlet}`);
  }
  return state;
}

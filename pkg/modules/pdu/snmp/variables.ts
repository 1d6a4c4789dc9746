import type { Level } from "../outlet.ts";
import type { SnmpOptions } from "./snmp-options.ts";

interface Variable {
  readonly oid: string;
  readonly values: Readonly<Record<Level, number>>;
}

export interface Variables {
  readonly write: Variable;
  readonly read: Variable;
}

/**
 * APC's PowerNet-MIB: rPDUOutletControlOutletCommand; rPDU2OutletSwitchedControlCommand with
 * rPDU2OutletSwitchedStatusState, whose values are the other way round. Outlets count from 1.
 */
const presets = {
  "apc-rpdu": {
    write: { table: "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4", values: { on: 1, off: 2 } },
    read: { table: "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4", values: { on: 1, off: 2 } },
  },
  "apc-rpdu2": {
    write: { table: "1.3.6.1.4.1.318.1.1.26.9.2.4.1.5", values: { on: 1, off: 2 } },
    read: { table: "1.3.6.1.4.1.318.1.1.26.9.2.3.1.5", values: { on: 2, off: 1 } },
  },
} as const;

/** The variables of an outlet, which counts from 0. The options have no problems. */
export function variablesOf(snmp: SnmpOptions, outlet: number): Variables {
  if (snmp.preset !== undefined) {
    const { write, read } = presets[snmp.preset];
    return {
      write: { oid: `${write.table}.${outlet + 1}`, values: write.values },
      read: { oid: `${read.table}.${outlet + 1}`, values: read.values },
    };
  }
  const { writeoid = "", writeon = 1, writeoff = 0, readoid = writeoid, readon = writeon, readoff = writeoff } = snmp;
  return {
    write: { oid: writeoid, values: { on: writeon, off: writeoff } },
    read: { oid: readoid, values: { on: readon, off: readoff } },
  };
}

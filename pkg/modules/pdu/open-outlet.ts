import { parseDuration } from "#pkg/golang/duration.ts";
import type { Host } from "#pkg/host/host.ts";
import { gude } from "./dialects/gude.ts";
import { intellinet } from "./dialects/intellinet.ts";
import { netio } from "./dialects/netio.ts";
import { pdudaemon } from "./dialects/pdudaemon.ts";
import { shelly } from "./dialects/shelly.ts";
import { tasmota } from "./dialects/tasmota.ts";
import type { HttpUnit } from "./http-unit.ts";
import type { PduOptions } from "./options.ts";
import type { Outlet } from "./outlet.ts";
import { openSnmp } from "./snmp/snmp.ts";
import { renderSnmpConf } from "./snmp/snmp-conf.ts";
import { variablesOf } from "./snmp/variables.ts";

const snmpPort = 161;

/** What a unit is known by: two entries with the same are one. */
export function unitOf({ host, unit }: PduOptions): string {
  const url = new URL(host);
  // Of a scheme that URLs do not know the usual port stays in, and capital letters do.
  const place = url.protocol === "snmp:" ? url.host.toLowerCase().replace(/:161$/, "") : url.host;
  return unit === undefined ? place : `${place} ${unit}`;
}

/** The dialect of the vendor. Nothing has been said to the unit yet. Throws failed_precondition when a tool is missing. */
export async function openOutlet(options: PduOptions, host: Host): Promise<Outlet> {
  const { vendor, outlet, unit = "", generation, snmp } = options;
  if (snmp !== undefined) {
    const { hostname, port } = new URL(options.host);
    const address = `${hostname.startsWith("[") ? "udp6" : "udp"}:${hostname}:${port || snmpPort}`;
    const { user, password } = options;
    const conf = renderSnmpConf(snmp, { user, password });
    return await openSnmp(
      { address, conf, timeoutMs: parseDuration(options.timeout) },
      variablesOf(snmp, outlet),
      host,
    );
  }
  const http = httpUnitOf(options, host);
  switch (vendor) {
    case "gude":
      return gude(http, outlet);
    case "netio":
      return netio(http, outlet);
    case "shelly":
      return shelly(http, outlet, generation);
    case "delock":
    case "tasmota":
      return tasmota(http, outlet + 1);
    case "pdudaemon":
      return pdudaemon(http, unit, outlet);
    default:
      return intellinet(http, outlet);
  }
}

function httpUnitOf(
  { host: address, user, password, timeout, fingerprint, insecure }: PduOptions,
  host: Host,
): HttpUnit {
  return {
    http: host.http,
    title: "PDU",
    base: address.replace(/\/+$/, ""),
    timeoutMs: parseDuration(timeout),
    tls: { insecure, ...(fingerprint === undefined ? {} : { fingerprint }) },
    ...(user === undefined || password === undefined ? {} : { auth: { kind: "basic", user, password } }),
  };
}

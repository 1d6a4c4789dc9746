import type { StripDialect } from "./strip.ts";

/** Tasmota with a web password: the query has it. A device with one relay answers `POWER`, others `POWER1`. */
export function tasmotaStrip(user?: string, password?: string): StripDialect {
  const credentials = user === undefined ? "" : `user=${user}&password=${password}&`;
  return ({ method, path }, { levels, set }) => {
    if (method !== "GET" || !path.startsWith("/cm?")) {
      return undefined;
    }
    if (!path.startsWith(`/cm?${credentials}cmnd=`)) {
      return { body: JSON.stringify({ WARNING: "Need user=<username>&password=<password>" }) };
    }
    const [, number = "1", level] = /cmnd=Power(\d)?(?:\+(ON|OFF))?$/.exec(path) ?? [undefined, "0"];
    const outlet = Number(number) - 1;
    if (levels[outlet] === undefined) {
      return { body: JSON.stringify({ Command: "Unknown" }) };
    }
    if (level !== undefined) {
      set(outlet, level === "ON" ? "on" : "off");
    }
    const key = levels.length === 1 ? "POWER" : `POWER${number}`;
    return { body: JSON.stringify({ [key]: levels[outlet]?.toUpperCase() }) };
  };
}

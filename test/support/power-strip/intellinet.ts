import type { StripDialect } from "./strip.ts";

/** `op` 0 is on and 1 is off; 2 would toggle, which nobody should use. */
export const intellinetStrip: StripDialect = ({ method, path }, { levels, set }) => {
  if (method === "GET" && path === "/status.xml") {
    const stats = levels.map((level, outlet) => `<outletStat${outlet}>${level}</outletStat${outlet}>`);
    return { body: `<response><cur0>0.1</cur0>${stats.join("")}</response>` };
  }
  const [, op, outlet] = /^\/control_outlet\.htm\?op=([01])&outlet(\d)=1$/.exec(path) ?? [];
  if (method !== "GET" || outlet === undefined || Number(outlet) >= levels.length) {
    return undefined;
  }
  set(Number(outlet), op === "0" ? "on" : "off");
  return { body: "<html></html>" };
};

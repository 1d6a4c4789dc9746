import type { StripDialect } from "./strip.ts";

export const gudeStrip: StripDialect = ({ method, path }, { levels, set }) => {
  if (method === "GET" && path === "/statusjsn.js?components=1") {
    const outputs = levels.map((level, index) => ({ name: `Power Port ${index + 1}`, state: level === "on" ? 1 : 0 }));
    return { body: JSON.stringify({ outputs }) };
  }
  const [, port, state] = /^\/ov\.html\?cmd=1&p=(\d)&s=([01])$/.exec(path) ?? [];
  if (method !== "GET" || port === undefined || port === "0" || Number(port) > levels.length) {
    return undefined;
  }
  set(Number(port) - 1, state === "1" ? "on" : "off");
  return { body: "<html></html>" };
};

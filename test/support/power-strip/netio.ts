import type { StripDialect } from "./strip.ts";

export const netioStrip: StripDialect = ({ method, path, body }, { levels, set }) => {
  if (path !== "/netio.json" || (method !== "GET" && method !== "POST")) {
    return undefined;
  }
  if (method === "POST") {
    const [, id, action] = /^\{"Outputs":\[\{"ID":(\d),"Action":([01])\}\]\}$/.exec(body) ?? [];
    if (id === undefined || id === "0" || Number(id) > levels.length) {
      return { status: 400, body: '{"result":{"error":{"code":400}}}' };
    }
    set(Number(id) - 1, action === "1" ? "on" : "off");
  }
  const Outputs = levels.map((level, index) => ({
    ID: index + 1,
    State: level === "on" ? 1 : 0,
    Action: 6,
    Delay: 5000,
  }));
  return { body: JSON.stringify({ Agent: { Model: "NETIO 4All", NumOutputs: levels.length }, Outputs }) };
};

import { createHash } from "node:crypto";
import type { StripDialect } from "./strip.ts";
import { withBasic } from "./strip.ts";

/** A Shelly 2.5 with a login. `/shelly` is told to everybody. */
export function shelly1Strip(user: string, password: string): StripDialect {
  const relay = withBasic(user, password, ({ method, path }, { levels, set }) => {
    const [, outlet, turn] = /^\/relay\/(\d)(?:\?turn=(on|off))?$/.exec(path) ?? [];
    if (method !== "GET" || outlet === undefined || Number(outlet) >= levels.length) {
      return undefined;
    }
    if (turn === "on" || turn === "off") {
      set(Number(outlet), turn);
    }
    return { body: JSON.stringify({ ison: levels[Number(outlet)] === "on", has_timer: false, source: "http" }) };
  });
  return (asked, outlets) =>
    asked.path === "/shelly"
      ? { body: JSON.stringify({ type: "SHSW-25", mac: "CC50E3559F55", auth: true, fw: "20230913-112234" }) }
      : relay(asked, outlets);
}

const realm = "shellypro3-aabbccddeeff";
const sha256 = (...parts: readonly (string | undefined)[]) =>
  createHash("sha256").update(parts.join(":")).digest("hex");

/**
 * A Shelly Pro 3 with a password: digest with SHA-256, the user is always admin. A nonce serves once. `/shelly` is told to
 * everybody who does not send a password in the clear.
 */
export function shelly2Strip(password: string): StripDialect {
  let nonce = 0x60000000;
  return ({ method, path, authorization = "" }, { levels, set }) => {
    if (path === "/shelly" && authorization === "") {
      return {
        body: JSON.stringify({ name: null, id: realm, gen: 2, app: "Pro3", auth_en: true, auth_domain: realm }),
      };
    }
    const said = (name: string) => new RegExp(`\\b${name}="?([^",]*)`).exec(authorization)?.[1];
    const right = sha256(
      sha256("admin", realm, password),
      nonce.toString(16),
      said("nc"),
      said("cnonce"),
      "auth",
      sha256(method, path),
    );
    if (said("response") !== right || said("uri") !== path || said("username") !== "admin") {
      nonce++;
      const challenge = `Digest qop="auth", realm="${realm}", nonce="${nonce.toString(16)}", algorithm=SHA-256`;
      return { status: 401, headers: { "www-authenticate": challenge }, body: "" };
    }
    nonce++;
    const [, outlet, on] =
      /^\/rpc\/Switch\.(?:GetStatus\?id=(?=\d$)|Set\?id=)(\d)(?:&on=(true|false))?$/.exec(path) ?? [];
    if (method !== "GET" || outlet === undefined) {
      return undefined;
    }
    const before = levels[Number(outlet)];
    if (before === undefined) {
      return {
        status: 500,
        body: JSON.stringify({ code: -105, message: `Argument 'id', value ${outlet} not found!` }),
      };
    }
    if (on === undefined) {
      return { body: JSON.stringify({ id: Number(outlet), source: "HTTP_in", output: before === "on" }) };
    }
    set(Number(outlet), on === "true" ? "on" : "off");
    return { body: JSON.stringify({ was_on: before === "on" }) };
  };
}

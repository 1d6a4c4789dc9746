import { isIP } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Role } from "../peer.ts";

/** The longest common name (RFC 5280, appendix A.1). */
const longest = 64;

/** A name that a certificate is made out to; agents are known to servers by fewer. Throws invalid_argument. */
export function parseHolder(role: Role, name: string): string {
  const [pattern, letters] =
    role === "agent"
      ? [/^[a-z0-9][a-z0-9._-]*$/, "a to z, 0 to 9, dot, dash and underscore, beginning with a letter or digit"]
      : [/^[a-z0-9._@-]+$/, "a to z, 0 to 9, dot, dash, underscore and @"];
  if (!pattern.test(name) || name.length > longest) {
    throw new DutError("invalid_argument", `invalid name ${quote(name)}`, { hint: `at most ${longest} of ${letters}` });
  }
  return name;
}

/** A name or an address that something is reached by. Throws invalid_argument. */
export function parseHost(host: string): string {
  const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
  if (isIP(host) !== 0 || (host.length <= 253 && new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`, "i").test(host))) {
    return host.toLowerCase();
  }
  throw new DutError("invalid_argument", `invalid host ${quote(host)}`, {
    hint: "a name such as lab.example, or an address without a port",
  });
}

/** A host as the name of the server that is reached by it. */
export function holderOfHost(host: string): string {
  return host.replace(/[^a-z0-9._@-]/g, "-").slice(0, longest);
}

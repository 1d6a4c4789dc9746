import { randomBytes } from "node:crypto";

/** Carries the identity of the caller, free text. */
export const fromHeader = "From";

/** Carries the version of the sender, in requests and responses. */
export const versionHeader = "Dutctl-Version";

/** Who calls. Anonymous callers get another name with every request, so they never own anything. */
export interface Caller {
  readonly kind: "named" | "anonymous";
  readonly name: string;
}

export function callerOf(headers: Headers): Caller {
  const name = headers.get(fromHeader) ?? "";
  return name === ""
    ? { kind: "anonymous", name: `unknown-${randomBytes(4).toString("hex")}` }
    : { kind: "named", name };
}

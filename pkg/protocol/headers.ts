import { randomBytes } from "node:crypto";

/** Carries the identity of the caller, free text. Names are in lower case, as HTTP/2 has them. */
export const fromHeader = "from";

/** Carries the version of the sender, in requests and responses. */
export const versionHeader = "dutctl-version";

/** An identity as the value of its header: the existing programs send UTF-8, and Node sends a byte for a letter. */
export function fromHeaderValue(identity: string): string {
  return Buffer.from(identity, "utf8").toString("latin1");
}

/** Who calls. Anonymous callers get another name with every request, so they never own anything. */
export interface Caller {
  readonly kind: "named" | "anonymous";
  readonly name: string;
}

/** The identity that the value of a From header has; empty for no header. */
export function nameIn(from: string | null | undefined): string {
  return Buffer.from(from ?? "", "latin1").toString("utf8");
}

/** The caller that the value of a request's From header names. */
export function callerOf(from: string | null | undefined): Caller {
  const name = nameIn(from);
  return name === ""
    ? { kind: "anonymous", name: `unknown-${randomBytes(4).toString("hex")}` }
    : { kind: "named", name };
}

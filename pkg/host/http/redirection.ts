import { DutError } from "#pkg/errors/dut-error.ts";
import type { HttpRequest, HttpResponse } from "../http.ts";
import type { Target } from "./target.ts";

/** What may be told to a server that the caller did not name. */
const harmlessHeaders = new Set(["accept", "accept-encoding", "accept-language", "if-range", "range", "user-agent"]);

/** One hop: what is asked, and of whom. */
export interface Hop extends Target {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: HttpRequest["body"];
}

/**
 * The next request when an answer is a redirection (RFC 9110, section 15.4); undefined when it is none.
 * Throws failed_precondition when it may not be followed.
 */
export function redirected(hop: Hop, { status, headers }: Pick<HttpResponse, "status" | "headers">): Hop | undefined {
  const { location } = headers;
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) {
    return undefined;
  }
  const url = URL.parse(location, hop.url);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw refused(hop, "what is no address of http or https");
  }
  url.username = "";
  url.password = "";
  url.hash = "";
  if (hop.url.protocol === "https:" && url.protocol === "http:") {
    throw refused(hop, `${url.origin}, which is not encrypted`);
  }
  const toGet = status === 303 ? hop.method !== "HEAD" : status < 303 && hop.method === "POST";
  const next: Hop = toGet ? { ...hop, url, method: "GET", body: undefined } : { ...hop, url };
  if (next.body !== undefined && !(next.body instanceof Uint8Array)) {
    throw refused(hop, `${url.origin}, and the body can be sent only once`);
  }
  if (url.origin === hop.url.origin) {
    return next;
  }
  if (next.body !== undefined) {
    throw refused(hop, `${url.origin}, which must not have the body`);
  }
  const harmless = Object.entries(next.headers).filter(([name]) => harmlessHeaders.has(name.toLowerCase()));
  return { ...next, auth: undefined, headers: Object.fromEntries(harmless) };
}

function refused({ url }: Hop, where: string): DutError {
  return new DutError("failed_precondition", `${url.origin}${url.pathname} redirects to ${where}`, {
    hint: "configure the address that it leads to, if that is right",
  });
}

import { isIP } from "node:net";
import { hostname } from "node:os";

/** What a request says about where it comes from. */
export interface RequestOrigin {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly contentType: string | undefined;
}

/** Where the requests come in. */
export interface OwnPlace {
  readonly scheme: "http" | "https";
  /** Names besides those of this machine: what was listened on, what a certificate is for. */
  isOwnName(host: string): boolean;
}

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** Content types that a web page may post anywhere without asking first (Fetch standard, CORS-safelisted). */
const sentWithoutAsking = new Set(["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]);

/**
 * Why an HTTP/1.1 request is refused, if it is. Browsers speak to loopback for any web page, so a name that is not this
 * machine's (DNS rebinding), a foreign origin, and a body that needs no permission to be sent are all turned away.
 */
export function refuseBrowser(request: RequestOrigin, place: OwnPlace): Refusal | undefined {
  const host = hostOf(request.host);
  if (host === undefined || !(isOfThisMachine(host) || place.isOwnName(host.toLowerCase()))) {
    return { status: 403, reason: `the host ${request.host ?? "(none)"} is not this program's address` };
  }
  if (request.origin !== undefined && request.origin !== `${place.scheme}://${request.host}`) {
    return { status: 403, reason: `requests from the origin ${request.origin} are not accepted` };
  }
  const type = (request.contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (request.method === "POST" && sentWithoutAsking.has(type)) {
    return { status: 415, reason: `the content type ${type || "(none)"} is not accepted, send application/json` };
  }
  return undefined;
}

function hostOf(header: string | undefined): string | undefined {
  return /^(?:\[([0-9a-f:.]+)\]|([^:/\s]+))(?::\d+)?$/i
    .exec(header ?? "")
    ?.slice(1)
    .find((part) => part !== undefined);
}

/** An address literal cannot be rebound: whoever sends it knows where the request goes. */
function isOfThisMachine(host: string): boolean {
  return isIP(host) !== 0 || ["localhost", hostname()].includes(host.toLowerCase());
}

import { DutError } from "#pkg/errors/dut-error.ts";
import type { HttpAuth } from "../http.ts";

/** Where a request goes, and as whom. */
export interface Target {
  /** Without credentials and fragment. */
  readonly url: URL;
  readonly auth: HttpAuth | undefined;
}

/** Throws invalid_argument; the message does not repeat what may be a password. */
export function parseTarget(text: string, auth: HttpAuth | undefined): Target {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new DutError("invalid_argument", "the address is no absolute URL of http or https", {
      hint: "write it as http://10.0.0.5/path",
    });
  }
  const own = auth ?? credentialsIn(url);
  if (own?.kind === "basic" && own.user.includes(":")) {
    throw new DutError("invalid_argument", `the user name for ${url.host} holds a colon`, {
      hint: "HTTP Basic authentication cannot say it",
    });
  }
  url.username = "";
  url.password = "";
  url.hash = "";
  return { url, auth: own };
}

function credentialsIn({ username, password, host }: URL): HttpAuth | undefined {
  if (username === "" && password === "") {
    return undefined;
  }
  try {
    return { kind: "basic", user: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    // URIError: a percent sign that begins no byte.
    throw new DutError("invalid_argument", `the credentials in the address of ${host} are badly written`, {
      hint: "write a percent sign there as %25",
    });
  }
}

/** What messages call a request. Queries are left out: some devices take their password there. */
export function shownRequest(method: string, { origin, pathname }: URL): string {
  return `${method} ${origin}${pathname}`;
}

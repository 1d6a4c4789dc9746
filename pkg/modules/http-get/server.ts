import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Host } from "#pkg/host/host.ts";
import type { HttpAuth, HttpResponse } from "#pkg/host/http.ts";
import { readTls } from "../https/options.ts";
import type { HttpGetOptions } from "./options.ts";

/** As many as a mirror and its content network need, and no loop for long. */
const mostRedirections = 5;

/** Asks a server for what is at an address. */
export type Ask = (url: URL, headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

/** Who asks as the options say. User, password and headers are told to the server of the option `url` only. */
export async function openServer(options: HttpGetOptions, { http, files }: Host, signal: AbortSignal): Promise<Ask> {
  const tls = await readTls({ host: "", insecure: false, ca: options.ca, fingerprint: options.fingerprint }, files);
  const own = options.url === undefined ? undefined : new URL(options.url).origin;
  const auth = authOf(options);
  return async (url, headers) =>
    await http.request({
      url: url.href,
      headers: { ...(url.origin === own ? options.headers : {}), "accept-encoding": "identity", ...headers },
      ...(url.origin === own && auth !== undefined ? { auth } : {}),
      tls,
      idleMs: parseDuration(options.timeout),
      redirects: mostRedirections,
      signal,
    });
}

function authOf({ auth: kind, user, password }: HttpGetOptions): HttpAuth | undefined {
  return user === undefined || password === undefined ? undefined : { kind, user, password };
}

const refusals: Readonly<Record<number, readonly [code: DutErrorCode, words: string, hint: string]>> = {
  401: ["unauthenticated", "it wants a user and password, or others", "see the options user, password and auth"],
  403: ["permission_denied", "it does not give this file", "may this user have it?"],
  404: ["not_found", "there is no such file", "check the address"],
  410: ["not_found", "the file is gone", "check the address"],
};

/** An answer that is not the file, by its status. */
export function refusal(url: URL, status: number): DutError {
  const [code, words, hint] = refusals[status] ?? [
    status >= 500 || status === 429 ? "unavailable" : "failed_precondition",
    "it answers otherwise than with the file",
    "see the log of the server",
  ];
  return new DutError(code, `GET ${shown(url)}: ${words} (status ${status})`, { hint });
}

/** What messages call a file: queries may hold a password. */
export const shown = ({ origin, pathname }: URL) => `${origin}${pathname}`;

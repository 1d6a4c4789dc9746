import type { z } from "zod";
import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";
import type { Http, HttpRequest } from "#pkg/host/http.ts";

/** A unit that speaks HTTP. */
export interface HttpUnit extends Pick<HttpRequest, "auth" | "tls"> {
  readonly http: Http;
  /** What messages call it. */
  readonly title: string;
  /** The address that paths are put behind. */
  readonly base: string;
  readonly timeoutMs: number;
}

/** How much of an unexpected answer is shown. */
const shownCharacters = 200;

/** Units lead from http to https, or back to their first page after a command. */
const mostRedirections = 3;

/**
 * Asks for a path and query and returns the whole answer, which must have the status 200. Throws unauthenticated,
 * unavailable for a fault of the server, failed_precondition for another status, and as `Http.request`.
 */
export async function askUnit(
  { http, title, base, timeoutMs, auth, tls }: HttpUnit,
  path: string,
  signal: AbortSignal,
  more: Pick<HttpRequest, "method" | "body" | "headers" | "auth"> = {},
): Promise<string> {
  await using response = await http.request({
    url: base + path,
    signal,
    ...(auth === undefined ? {} : { auth }),
    ...(tls === undefined ? {} : { tls }),
    connectMs: timeoutMs,
    limitMs: timeoutMs,
    redirects: mostRedirections,
    ...more,
  });
  const text = await response.text();
  if (response.status !== 200) {
    const [code, hint] = meaningOf(response.status);
    const message = `${title} request failed with status ${response.status}: ${shown(text)}`;
    throw new DutError(code, message, hint === undefined ? {} : { hint });
  }
  return text;
}

function meaningOf(status: number): readonly [DutErrorCode, string?] {
  if (status === 401 || status === 403) {
    return ["unauthenticated", "check the options user and password, and what this user may do at the unit"];
  }
  if (status >= 500 || status === 429) {
    return ["unavailable"];
  }
  return ["failed_precondition", "is it a unit of this vendor, and its interface switched on?"];
}

/** JSON of a shape. Throws data_loss, with what came, for anything else. */
export function parseAnswer<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw unexpected(text);
  }
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw text.trim() === "" ? new DutError("data_loss", "empty response") : invalidJson(text);
    }
    throw error;
  }
}

const invalidJson = (text: string) => new DutError("data_loss", `invalid JSON response: ${shown(text)}`);

/** For an answer that says nothing of the outlet. */
export function unexpected(text: string): DutError {
  return new DutError("data_loss", `unexpected device response: ${shown(text)}`, {
    hint: "is it a unit of this vendor?",
  });
}

/** The beginning of it, with nothing that could steer a terminal. */
function shown(text: string): string {
  return text
    .trim()
    .slice(0, shownCharacters)
    .replace(/[\p{C}\s]+/gu, " ");
}

export function outletMissing(outlet: number, available?: number): DutError {
  const only = available === undefined ? "" : ` (only ${available} outlets available)`;
  return new DutError("not_found", `outlet ${outlet} not found in PDU status${only}`, {
    hint: "the option outlet counts from 0",
  });
}

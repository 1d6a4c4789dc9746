import { z } from "zod";
import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Http, HttpRequest, HttpResponse, HttpTls } from "#pkg/host/http.ts";
import { parseOrigin } from "../https/options.ts";
import type { PikvmOptions } from "./options.ts";
import { oneTimeCode, parseSecret } from "./totp.ts";

type Query = Readonly<Record<string, string>>;

type Extras = Pick<HttpRequest, "body" | "headers" | "limitMs" | "idleMs">;

/** A PiKVM's HTTP API (docs.pikvm.org/api) for one run. What it refuses is thrown in its own words. */
export interface Kvm {
  /** The `result` of an answer. Throws data_loss when it is not what the schema says. */
  get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>;
  /** `moreMs` is what the action itself takes, besides the time of a request. */
  post(path: string, query: Query, extras?: { readonly body?: Uint8Array; readonly moreMs?: number }): Promise<void>;
  /** An answer that is read by the caller, with limits of its own. */
  open(method: "GET" | "POST", path: string, query: Query, extras: Extras): Promise<HttpResponse>;
  /** The same, for what has to be done although the run is over. */
  afterwards(): Kvm;
}

/** More than the state of any part, with a few thousand images in it. */
const mostBytes = 1024 * 1024;

const codes: Readonly<Record<number, DutErrorCode>> = {
  400: "failed_precondition",
  401: "unauthenticated",
  403: "unauthenticated",
  404: "not_found",
  409: "failed_precondition",
  500: "internal",
  503: "unavailable",
  507: "resource_exhausted",
};

const hints: Readonly<Record<number, string>> = {
  401: "check the options user and password",
  403: "check the options user and password, and totp if two-factor authentication is on",
  404: "is this the address of a PiKVM, and new enough?",
  409: "it is busy with something else: try again",
};

/** Every answer; what is no object has no result either. */
const answered = z.object({ result: z.unknown() }).catch({ result: undefined });

const refusal = z.object({ result: z.object({ error: z.string(), error_msg: z.string() }) });

export function pikvm(http: Http, tls: HttpTls, options: PikvmOptions, signal: AbortSignal): Kvm {
  const timeoutMs = parseDuration(options.timeout);

  async function open(method: string, path: string, query: Query, { headers, ...extras }: Extras) {
    const search = new URLSearchParams(query).toString();
    await using held = new AsyncDisposableStack();
    const response = held.use(
      await http.request({
        method,
        url: `${parseOrigin(options.host)}${path}${search === "" ? "" : `?${search}`}`,
        tls,
        signal,
        connectMs: timeoutMs,
        headers: { ...credentials(options), ...headers },
        ...extras,
      }),
    );
    if (response.status >= 400) {
      throw refused(`${method} ${path}`, response.status, await response.text());
    }
    held.move();
    return response;
  }

  return {
    open,
    async get(path, schema) {
      await using response = await open("GET", path, {}, { limitMs: timeoutMs });
      const { result } = answered.parse(parseJson(await response.text(mostBytes), `GET ${path}`));
      const parsed = schema.safeParse(result);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new DutError("data_loss", `GET ${path}: the answer is not what the API says`, {
          hint: `${issue?.path.join(".")}: ${issue?.message}`,
        });
      }
      return parsed.data;
    },
    async post(path, query, { body, moreMs = 0 } = {}) {
      const limitMs = timeoutMs + moreMs;
      const extras = body === undefined ? {} : { body, headers: { "content-type": "text/plain; charset=utf-8" } };
      await using _ = await open("POST", path, query, { limitMs, idleMs: limitMs, ...extras });
    },
    afterwards: () => pikvm(http, tls, options, AbortSignal.timeout(timeoutMs)),
  };
}

/** Headers are Latin-1 to Node, and UTF-8 to PiKVM. */
function credentials({ user, password, totp }: PikvmOptions): Readonly<Record<string, string>> {
  const code = totp === undefined ? "" : oneTimeCode(parseSecret(totp), Date.now());
  const latin1 = (text: string) => Buffer.from(text).toString("latin1");
  return { "x-kvmd-user": latin1(user), "x-kvmd-passwd": latin1(password + code) };
}

/** Of what a device says; it is not ours. */
const longestWords = 500;

/** An answer of nginx in front of the API is HTML, and says nothing that the status does not. */
function refused(doing: string, status: number, text: string): DutError {
  const hint = hints[status];
  return new DutError(
    codes[status] ?? "unknown",
    `${doing}: status ${status}${text.startsWith("{") ? `: ${wordsOf(parseJson(text, doing))}` : ""}`,
    hint === undefined ? {} : { hint },
  );
}

function wordsOf(answer: unknown): string {
  const { success, data } = refusal.safeParse(answer);
  return success ? data.result.error_msg.slice(0, longestWords) : "it does not say why";
}

/** Throws aborted for a line of a streamed answer that tells a failure. */
export function throwIfRefused(doing: string, answer: unknown): void {
  if (refusal.safeParse(answer).success) {
    throw new DutError("aborted", `${doing}: ${wordsOf(answer)}`);
  }
}

export function parseJson(text: string, doing: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DutError("data_loss", `${doing}: the answer is not JSON`, {
      hint: "is this the address of a PiKVM?",
      cause: error,
    });
  }
}

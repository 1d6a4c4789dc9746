import { setTimeout } from "node:timers/promises";
import type { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Http, HttpResponse, HttpTls } from "#pkg/host/http.ts";
import { parseOrigin } from "../https/options.ts";
import { responseFault, throwUnlessTaskWell } from "./fault.ts";
import type { RedfishOptions } from "./options.ts";

/** More than the largest resource of any service that is read here. */
const mostBytes = 1024 * 1024;

/** A task monitor is asked as often as the service wishes, but neither all the time nor hardly ever. */
const retryMs = { least: 200, most: 10_000, usual: 1_000 };

/** Less than the time that a run has to end. */
const afterwardsMs = 5_000;

/** A resource as it was read. */
export interface Resource<Content> {
  /** Its path, for requests that change it. */
  readonly path: string;
  readonly content: Content;
  /** For If-Match; undefined when the service gives none. */
  readonly etag: string | undefined;
}

/** A Redfish service (DSP0266) that one has logged in to. */
export interface Service {
  /** Throws data_loss when the answer is not what the schema says. */
  get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<Resource<z.output<Schema>>>;
  /** Resolves when the service has done it: a task is followed to its end. */
  post(path: string, body: object): Promise<void>;
  /** As `post`, unless the resource is not what it was when it was read: then aborted is thrown, and nothing changed. */
  patch(resource: Resource<unknown>, body: object): Promise<void>;
  /** The same for some seconds, for what has to be done although the run is over. */
  afterwards(): Service;
}

interface Exchange {
  readonly http: Http;
  readonly tls: HttpTls;
  readonly options: RedfishOptions;
  readonly signal: AbortSignal;
  /** What proves who asks. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Answered {
  readonly status: number;
  readonly headers: HttpResponse["headers"];
  readonly body: unknown;
}

/** The requests of one run. */
export function redfishService(exchange: Exchange): Service {
  return {
    async get(path, schema) {
      const { headers, body } = await ask(exchange, "GET", path);
      const parsed = schema.safeParse(body);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new DutError("data_loss", `GET ${path}: the answer is not what the schema says`, {
          hint: `${issue?.path.join(".")}: ${issue?.message}`,
        });
      }
      return { path, content: parsed.data, etag: headers.etag ?? etagIn(body) };
    },
    async post(path, body) {
      await settle(exchange, "POST", path, body, {});
    },
    async patch({ path, etag }, body) {
      await settle(exchange, "PATCH", path, body, etag === undefined ? {} : { "if-match": etag });
    },
    afterwards: () => redfishService({ ...exchange, signal: AbortSignal.timeout(afterwardsMs) }),
  };
}

/** Asks once. Throws what `responseFault` makes of a status of 400 or more. */
export async function ask(
  { http, tls, options, signal, headers }: Exchange,
  method: string,
  path: string,
  body?: object,
  more: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const { auth, user, password, host, timeout } = options;
  await using response = await http.request({
    method,
    url: ownUrl(parseOrigin(host), path),
    tls,
    signal,
    limitMs: parseDuration(timeout),
    headers: {
      accept: "application/json",
      "odata-version": "4.0",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
      ...more,
    },
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    ...(auth === "basic" ? { auth: { kind: "basic", user, password } } : {}),
  });
  const doing = `${method} ${path}`;
  const answer = parseJson(await response.text(mostBytes), doing, response.status);
  if (response.status >= 400) {
    throw responseFault(doing, response.status, answer);
  }
  return { status: response.status, headers: response.headers, body: answer };
}

/** Asks, and follows the task that comes of it (DSP0266, section "Asynchronous operations"). */
async function settle(
  exchange: Exchange,
  method: string,
  path: string,
  body: object,
  more: Readonly<Record<string, string>>,
): Promise<void> {
  const doing = `${method} ${path}`;
  const limit = AbortSignal.timeout(parseDuration(exchange.options.confirm));
  let answered = await ask(exchange, method, path, body, more);
  let monitor: string | undefined;
  while (answered.status === 202) {
    throwUnlessTaskWell(doing, answered.body);
    monitor = answered.headers.location ?? monitor;
    if (monitor === undefined) {
      throw new DutError("data_loss", `${doing}: it was accepted, but nothing says where its task is`, {
        hint: "ask for the status",
      });
    }
    const pauseMs = pauseOf(answered.headers["retry-after"]);
    const bounded = AbortSignal.any([exchange.signal, limit]);
    await setTimeout(pauseMs, undefined, { signal: bounded }).catch(() => exchange.signal.throwIfAborted());
    if (limit.aborted) {
      throw new DutError("deadline_exceeded", `${doing}: the task is not done after ${exchange.options.confirm}`, {
        hint: "it may still come to its end: ask for the status, or allow more time with the option confirm",
      });
    }
    answered = await ask(exchange, "GET", monitor);
  }
  throwUnlessTaskWell(doing, answered.body);
}

function pauseOf(retryAfter: string | undefined): number {
  const seconds = retryAfter === undefined ? Number.NaN : Number(retryAfter);
  const wanted = Number.isFinite(seconds) ? seconds * 1000 : retryMs.usual;
  return Math.min(retryMs.most, Math.max(retryMs.least, wanted));
}

/** Services give paths and absolute addresses; what proves who asks must not go to another one. */
function ownUrl(origin: string, path: string): string {
  const url = URL.parse(path, origin);
  if (url === null || url.origin !== origin) {
    throw new DutError("data_loss", `the service points to ${path}, which is another server`);
  }
  return url.href;
}

function parseJson(text: string, doing: string, status: number): unknown {
  if (text.trim() === "") {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (status >= 400) {
      return undefined;
    }
    throw new DutError("data_loss", `${doing}: the answer is not JSON`, {
      hint: "is this the address of a Redfish service?",
      cause: error,
    });
  }
}

function etagIn(body: unknown): string | undefined {
  const etag = typeof body === "object" && body !== null && "@odata.etag" in body ? body["@odata.etag"] : undefined;
  return typeof etag === "string" ? etag : undefined;
}

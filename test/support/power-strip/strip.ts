import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { httpServer } from "../http-server.ts";

export type Level = "on" | "off";

/** What a unit does to one request instead of what it should. */
export type Fault = "drop" | "obey and drop" | "busy" | "hang";

/** One request as a dialect sees it. */
export interface Asked {
  readonly method: string;
  /** Path and query, as they came. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface Answered {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The interface of a vendor: undefined for a request that the vendor's units do not know. */
export type StripDialect = (asked: Asked, outlets: Outlets) => Answered | undefined;

export interface Outlets {
  readonly levels: readonly Level[];
  /** Takes effect unless the unit lies. */
  set(outlet: number, level: Level): void;
}

/** A power strip with an HTTP interface, on loopback. */
export interface PowerStrip extends AsyncDisposable {
  readonly url: string;
  readonly levels: Level[];
  /** What was switched, as in `0 on`. */
  readonly switched: string[];
  /** `GET /path?query`, in their order. */
  readonly requests: string[];
  /** Of the requests that are answered at once, the most that there were. */
  readonly mostAtOnce: number;
  /** What becomes of the next requests, one each. */
  readonly faults: Fault[];
  /** Says yes and does nothing. */
  lies: boolean;
  /** What a switch waits for before it is answered. */
  slow: () => Promise<void>;
  /** Resolves when so many requests have come. */
  asked(count: number): Promise<void>;
}

export async function powerStrip(dialect: StripDialect, outlets = 3): Promise<PowerStrip> {
  const levels: Level[] = new Array(outlets).fill("off");
  const switched: string[] = [];
  const requests: string[] = [];
  const waiting: { count: number; resolve(): void }[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const asked: Asked = {
      method: request.method ?? "",
      path: request.url ?? "",
      authorization: request.headers.authorization,
      body: await text(request),
    };
    atOnce++;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    response.once("close", () => atOnce--);
    requests.push(`${asked.method} ${asked.path}`);
    for (const { resolve } of waiting.filter(({ count }) => requests.length >= count)) {
      resolve();
    }
    const fault = strip.faults.shift();
    if (fault === "hang") {
      return;
    }
    if (fault === "drop") {
      request.socket.destroy();
      return;
    }
    if (fault === "busy") {
      response.writeHead(503).end("busy");
      return;
    }
    let changed = false;
    const answered = dialect(asked, {
      levels,
      set(outlet, level) {
        changed = true;
        if (!strip.lies) {
          levels[outlet] = level;
          switched.push(`${outlet} ${level}`);
        }
      },
    });
    if (changed) {
      await strip.slow();
    }
    if (fault === "obey and drop") {
      request.socket.destroy();
      return;
    }
    const { status = 200, headers = {}, body } = answered ?? { status: 404, body: `what is ${asked.path}?` };
    response.writeHead(status, { ...headers }).end(body);
  };

  const server = await httpServer(answer);
  const strip: PowerStrip = {
    url: server.url,
    levels,
    switched,
    requests,
    get mostAtOnce() {
      return mostAtOnce;
    },
    faults: [],
    lies: false,
    slow: async () => {},
    asked(count) {
      return requests.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve }));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return strip;
}

/** Lets only those in who say user and password by HTTP Basic; asks them for it in the vendor's realm. */
export function withBasic(user: string, password: string, dialect: StripDialect): StripDialect {
  const right = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return (asked, outlets) =>
    asked.authorization === right
      ? dialect(asked, outlets)
      : { status: 401, headers: { "www-authenticate": 'Basic realm="unit"' }, body: "who are you?" };
}

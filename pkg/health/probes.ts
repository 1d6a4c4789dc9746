import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import type { Readiness } from "./readiness.ts";

/** What is shown to whoever asks. */
export interface Shown {
  readonly readiness: Readiness;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly log: Log;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const plain = "text/plain; charset=utf-8";

/** Answers GET of /healthz, /readyz and /metrics, and leaves every other request to the handler. */
export function withProbes(handler: HttpHandler, shown: Shown): HttpHandler {
  return (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const isGet = request.method === "GET" || request.method === "HEAD";
    const answer = isGet && Object.hasOwn(probes, path) ? probes[path as keyof typeof probes] : undefined;
    if (answer === undefined) {
      handler(request, response);
      return;
    }
    void answer(shown)
      .catch((error: unknown): Answer => {
        shown.log.error("probe failed", { path, err: error });
        return { status: 500, contentType: plain, body: `${messageOf(error)}\n` };
      })
      .then(({ status, contentType, body }) => {
        response.statusCode = status;
        response.setHeader("content-type", contentType);
        response.setHeader("cache-control", "no-store");
        response.end(request.method === "HEAD" ? "" : body);
      });
  };
}

/** Whoever is answered anything knows that the process lives. */
const probes = {
  async "/healthz"(): Promise<Answer> {
    return { status: 200, contentType: plain, body: "ok\n" };
  },
  async "/readyz"({ readiness: { reasons } }: Shown): Promise<Answer> {
    return reasons.length === 0
      ? { status: 200, contentType: plain, body: "ready\n" }
      : { status: 503, contentType: plain, body: reasons.map((reason) => `${reason}\n`).join("") };
  },
  async "/metrics"({ metrics }: Shown): Promise<Answer> {
    return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
  },
};

/** For a listener that answers nothing else. */
export const onlyProbes: HttpHandler = (_, response) => {
  response.statusCode = 404;
  response.setHeader("content-type", plain);
  response.end("there are /healthz, /readyz and /metrics here\n");
};

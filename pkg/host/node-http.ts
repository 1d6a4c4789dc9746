import { randomBytes } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import { answerDigest, parseDigestChallenge } from "./http/digest.ts";
import { Ending } from "./http/ending.ts";
import { exchange } from "./http/exchange.ts";
import { type Hop, redirected } from "./http/redirection.ts";
import { parseTarget, shownRequest } from "./http/target.ts";
import type { Http, HttpRequest, HttpResponse } from "./http.ts";

/** A nonce may have become too old while its answer was on the way; once, not for ever. */
const mostDigestAnswers = 2;

/** HTTP/1.1 from this computer. */
export function nodeHttp(): Http {
  return {
    async request(request) {
      request.signal.throwIfAborted();
      const { method = "GET", headers = {}, body, limitMs } = request;
      const target = parseTarget(request.url, request.auth);
      if (target.auth?.kind === "digest" && body !== undefined && !(body instanceof Uint8Array)) {
        throw new DutError("invalid_argument", "a body that is read once cannot be sent with digest authentication");
      }
      const ending = new Ending(request.signal, shownRequest(method, target.url));
      if (limitMs !== undefined) {
        ending.limit(limitMs);
      }
      return await follow({ ...target, method, headers, body }, request, ending);
    },
  };
}

async function follow(first: Hop, request: HttpRequest, ending: Ending): Promise<HttpResponse> {
  const { redirects = 0 } = request;
  let hop = first;
  for (let followed = 0; ; followed++) {
    await using held = new AsyncDisposableStack();
    const response = held.use(await authorized(hop, request, ending));
    const next = redirects === 0 ? undefined : redirected(hop, response);
    if (next === undefined) {
      held.move();
      return response;
    }
    if (followed === redirects) {
      throw new DutError("failed_precondition", `${shownRequest(first.method, first.url)} is redirected without end`, {
        hint: `${redirects} redirections were followed`,
      });
    }
    hop = next;
  }
}

async function authorized(hop: Hop, request: HttpRequest, ending: Ending): Promise<HttpResponse> {
  const { auth } = hop;
  if (auth?.kind !== "digest") {
    return await exchange(auth === undefined ? hop : claiming(hop, basic(auth.user, auth.password)), request, ending);
  }
  let response = await exchange(hop, request, ending);
  for (let answers = 0; response.status === 401 && answers < mostDigestAnswers; answers++) {
    const challenge = parseDigestChallenge(response.headers["www-authenticate"] ?? "");
    if (challenge === undefined || (answers > 0 && !challenge.stale)) {
      break;
    }
    await response[Symbol.asyncDispose]();
    const { method, url } = hop;
    const cnonce = randomBytes(16).toString("hex");
    const claim = { ...auth, method, uri: url.pathname + url.search, cnonce };
    response = await exchange(claiming(hop, answerDigest(challenge, claim)), request, ending);
  }
  return response;
}

const claiming = (hop: Hop, authorization: string): Hop => ({ ...hop, headers: { ...hop.headers, authorization } });

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

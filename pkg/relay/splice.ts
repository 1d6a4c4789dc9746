import {
  type ClientHttp2Stream,
  constants,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

/** Headers that belong to one connection or are made anew for the next (RFC 9113, section 8.2.2, and RFC 9110). */
const hopHeaders = new Set(["host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** A request's or an answer's headers as they are sent on, without the pseudo-headers. */
export function passedOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":") && !hopHeaders.has(name)));
}

export interface SpliceOptions {
  /** How an answer ends whose agent was lost in the middle; undefined, or nothing, resets it. */
  readonly lost?: (answer: IncomingHttpHeaders) => OutgoingHttpHeaders | undefined;
  /** What a client gets to end its half of an answered stream, in milliseconds. */
  readonly lingerMs?: number;
}

/**
 * Joins a client's stream to the agent's stream that answers it: bytes, half-closes, trailers and resets pass in both
 * directions with back-pressure, and nothing is decoded. Resolves when both are closed. Rejects, with the client's
 * stream untouched, when the agent's stream breaks before it has answered.
 */
export async function splice(
  response: Http2ServerResponse,
  agent: ClientHttp2Stream,
  { lost, lingerMs = 5_000 }: SpliceOptions = {},
): Promise<void> {
  const client = response.stream;
  const connection = agent.session;
  let farewell: OutgoingHttpHeaders | undefined;
  let concluded = false;
  const answered = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<never>();
  const closed = [once(client, "close"), once(agent, "close")];
  // A reset arrives as a close event with its code; the error event before it only adds words.
  let agentError: unknown;
  agent.on("error", (error) => {
    agentError = error;
  });
  client.on("error", () => {});

  agent.once("trailers", () => {
    concluded = true;
  });
  // Node ends a stream that was reset, and one whose connection was lost, as if it were complete.
  const whole = () =>
    concluded || (agent.rstCode === NGHTTP2_NO_ERROR && !agent.aborted && connection?.destroyed !== true);

  agent.once("response", (headers, flags) => {
    answered.resolve();
    farewell = lost?.(headers);
    if (client.destroyed || client.closed) {
      return;
    }
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
      client.respond({ ":status": Number(headers[":status"]), ...passedOn(headers) }, { endStream: true });
    } else {
      answer(response, agent, headers, whole);
    }
  });
  agent.once("close", () => {
    broken.reject(agentError ?? new Error("the connection was lost"));
    const complete = client.writableEnded && (concluded || agent.rstCode === NGHTTP2_NO_ERROR);
    if (!client.headersSent || client.closed || complete) {
      return;
    }
    if (farewell !== undefined && connection?.destroyed !== false) {
      response.addTrailers(farewell);
      client.end();
    } else {
      client.close(agent.rstCode === NGHTTP2_NO_ERROR ? NGHTTP2_CANCEL : agent.rstCode);
    }
  });
  client.once("close", () => {
    answered.resolve();
    if (!agent.destroyed) {
      abandon(agent);
    }
  });
  // An answered client ends its half when it has read the answer. One that does not is told that no more is wanted,
  // which is no error; told at once, Node's own client would drop what it has not read yet.
  client.once("finish", () => {
    const linger = setTimeout(() => client.close(NGHTTP2_NO_ERROR), lingerMs);
    client.once("close", () => clearTimeout(linger));
  });
  client.pipe(agent);

  await Promise.race([answered.promise, broken.promise]);
  await Promise.all(closed);
}

function answer(
  response: Http2ServerResponse,
  agent: ClientHttp2Stream,
  headers: IncomingHttpHeaders,
  whole: () => boolean,
): void {
  // Trailers are the response object's to send; the body does not pass through it.
  response.writeHead(Number(headers[":status"]), passedOn(headers));
  agent.once("trailers", (trailers) => response.addTrailers(passedOn(trailers)));
  agent.pipe(response.stream, { end: false });
  agent.once("end", () => {
    if (whole()) {
      response.stream.end();
    }
  });
}

/** Nobody reads the agent's answer any more. One that is complete needs no reset: its stream closes with our half. */
function abandon(agent: ClientHttp2Stream): void {
  if (agent.readableEnded) {
    agent.end();
  } else {
    agent.close(NGHTTP2_CANCEL);
  }
}

async function once(stream: ServerHttp2Stream | ClientHttp2Stream, event: "close"): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once(event, () => resolve());
  await promise;
}

import {
  type ClientHttp2Stream,
  constants,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { limits } from "#pkg/protocol/limits.ts";
import { onStalledReader } from "./stalled-reader.ts";
import { type AnswerHead, Upstream } from "./upstream.ts";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

/** Headers that belong to one connection or are made anew for the next (RFC 9113, section 8.2.2, and RFC 9110). */
const hopHeaders = new Set(["host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** A request's or an answer's headers as they are sent on, without the pseudo-headers. */
export function passedOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":") && !hopHeaders.has(name)));
}

export interface SpliceOptions {
  /** The trailers that end an answer whose agent was lost in the middle; without any it is reset. */
  readonly lost?: (answer: IncomingHttpHeaders, reason: string) => OutgoingHttpHeaders | undefined;
  /** What a client gets to end its half of an answered stream, in milliseconds. */
  readonly lingerMs?: number;
  /** How long a client may take nothing while something waits for it, in milliseconds. Default limits.stalledMs. */
  readonly stallMs?: number;
  /** Told when the client is given up for that: its stream is reset, in gRPC's words with resource_exhausted. */
  readonly onStall?: () => void;
}

/**
 * Joins a client's stream to the agent's stream that answers it: bytes, half-closes, trailers and resets pass in both
 * directions with back-pressure, and nothing is decoded. Resolves when both are closed. Rejects, with the client's
 * stream untouched, when the agent's stream breaks before it has answered.
 */
export async function splice(
  response: Http2ServerResponse,
  agent: ClientHttp2Stream,
  { lost, lingerMs = 5_000, stallMs = limits.stalledMs, onStall }: SpliceOptions = {},
): Promise<void> {
  const client = response.stream;
  const upstream = new Upstream(agent);
  const clientClosed = Promise.withResolvers<void>();
  const leave = () => {
    upstream.abandon();
    clientClosed.resolve();
  };
  client.on("error", () => {});
  client.once("close", leave);
  if (client.destroyed) {
    leave();
  }
  client.once("finish", () => letGo(client, lingerMs));
  onStalledReader(client, stallMs, () => {
    onStall?.();
    client.close(NGHTTP2_ENHANCE_YOUR_CALM);
  });
  client.pipe(agent);

  const head = await Promise.race([upstream.answered, clientClosed.promise]);
  if (head !== undefined && !client.destroyed && !client.closed) {
    passAnswer(response, upstream, head);
    await upstream.closed;
    endUnanswered(response, upstream, lost?.(head.headers, upstream.fault));
  }
  await Promise.all([upstream.closed, clientClosed.promise]);
}

function passAnswer(response: Http2ServerResponse, upstream: Upstream, { headers, complete }: AnswerHead): void {
  const status = Number(headers[":status"]);
  const client = response.stream;
  if (complete) {
    client.respond({ ":status": status, ...passedOn(headers) }, { endStream: true });
    return;
  }
  // Trailers are the response object's to send; the body does not pass through it.
  response.writeHead(status, passedOn(headers));
  upstream.stream.pipe(client, { end: false });
  upstream.stream.once("end", () => {
    if (upstream.whole) {
      response.addTrailers(passedOn(upstream.trailers));
      client.end();
    }
  });
}

/** Ends an answer whose agent did not: by the trailers for a lost agent, or by the agent's reset. */
function endUnanswered(
  response: Http2ServerResponse,
  upstream: Upstream,
  farewell: OutgoingHttpHeaders | undefined,
): void {
  const client = response.stream;
  if (client.closed || (client.writableEnded && upstream.whole)) {
    return;
  }
  if (farewell !== undefined && upstream.lost) {
    response.addTrailers(farewell);
    client.end();
  } else {
    client.close(upstream.resetCode === NGHTTP2_NO_ERROR ? NGHTTP2_CANCEL : upstream.resetCode);
  }
}

/**
 * An answered client ends its half when it has read the answer. One that does not is told that no more is wanted, which
 * is no error; told at once, Node's own client would drop what it has not read yet.
 */
function letGo(client: ServerHttp2Stream, lingerMs: number): void {
  const linger = setTimeout(() => client.close(NGHTTP2_NO_ERROR), lingerMs);
  client.once("close", () => clearTimeout(linger));
}

import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

/** Headers that belong to one connection or are made anew for the next (RFC 9113, section 8.2.2, and RFC 9110). */
const hopHeaders = new Set(["host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** A request's or an answer's headers as they are sent on. */
export function passedOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => (!name.startsWith(":") || name === ":status") && !hopHeaders.has(name)),
  );
}

/**
 * Joins a client's stream to the agent's stream that answers it: bytes, half-closes, trailers and resets pass in both
 * directions with back-pressure, and nothing is decoded. Resolves when both are closed. Rejects, with the client's
 * stream untouched, when the agent's stream breaks before it has answered.
 */
export async function splice(client: ServerHttp2Stream, agent: ClientHttp2Stream): Promise<void> {
  const answered = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<never>();
  const closed = [once(client, "close"), once(agent, "close")];
  // A reset arrives as a close event with its code; the error event before it only adds words.
  let agentError: unknown;
  agent.on("error", (error) => {
    agentError = error;
  });
  client.on("error", () => {});

  agent.once("response", (headers, flags) => {
    answered.resolve();
    if (!client.destroyed) {
      answer(client, agent, headers, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    }
  });
  agent.once("close", () => {
    broken.reject(agentError ?? new Error("the connection was lost"));
    if (client.headersSent && !client.writableEnded && !client.destroyed) {
      client.close(agent.rstCode === NGHTTP2_NO_ERROR ? NGHTTP2_CANCEL : agent.rstCode);
    }
  });
  client.once("close", () => {
    answered.resolve();
    if (!agent.destroyed) {
      agent.close(agent.readableEnded ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    }
  });
  client.pipe(agent);

  await Promise.race([answered.promise, broken.promise]);
  await Promise.all(closed);
}

function answer(
  client: ServerHttp2Stream,
  agent: ClientHttp2Stream,
  headers: IncomingHttpHeaders,
  withoutBody: boolean,
): void {
  if (withoutBody) {
    client.respond(passedOn(headers), { endStream: true });
    finish(client);
    return;
  }
  client.respond(passedOn(headers), { waitForTrailers: true });
  let trailers: IncomingHttpHeaders = {};
  agent.once("trailers", (received) => {
    trailers = received;
  });
  client.once("wantTrailers", () => {
    client.sendTrailers(passedOn(trailers));
    finish(client);
  });
  agent.pipe(client);
}

/** The answer is complete. A client whose half is still open is told that no more is wanted, which is no error. */
function finish(client: ServerHttp2Stream): void {
  client.once("finish", () => client.close(NGHTTP2_NO_ERROR));
}

async function once(stream: ServerHttp2Stream | ClientHttp2Stream, event: "close"): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once(event, () => resolve());
  await promise;
}

import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { errnoOf } from "../errno.ts";
import type { HttpRequest, HttpResponse } from "../http.ts";
import { feed } from "../input.ts";
import { connect } from "./connection.ts";
import type { Ending } from "./ending.ts";
import type { Hop } from "./redirection.ts";
import { shownRequest } from "./target.ts";

/** Enough for the answers of devices; who expects more says so. */
const usualText = 64 * 1024;

const defaultConnectMs = 10_000;
const defaultIdleMs = 30_000;

/** Asks once, on a connection of its own, and resolves with the head of the answer. */
export async function exchange(
  hop: Hop,
  { tls = {}, connectMs = defaultConnectMs, idleMs = defaultIdleMs }: HttpRequest,
  ending: Ending,
): Promise<HttpResponse> {
  let socket: Socket | undefined;
  try {
    {
      using _ = ending.expect(connectMs, "it did not connect");
      socket = await connect(hop.url, tls, ending.signal);
    }
    const message = await ask(hop, socket, ending, idleMs);
    return answer(hop, message, socket, ending, idleMs);
  } catch (error) {
    socket?.destroy();
    throw ending.explain(error);
  }
}

async function ask(hop: Hop, socket: Socket, ending: Ending, idleMs: number): Promise<IncomingMessage> {
  const { method, url, headers, body } = hop;
  const request = httpRequest({
    createConnection: () => socket,
    method,
    path: url.pathname + url.search,
    headers: {
      host: url.host,
      ...headers,
      ...(body instanceof Uint8Array ? { "content-length": String(body.length) } : {}),
    },
    signal: ending.signal,
  });
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // Stays: what goes wrong after the answer is told to its reader.
  request.on("error", reject);
  request.once("response", resolve);
  using silence = silenceOf(ending, idleMs);
  const sent = send(body, request, silence, ending);
  return await Promise.race([answered, sent.then(() => answered)]);
}

/** Resolves when all has been handed over, or the peer takes no more. */
async function send(
  body: HttpRequest["body"],
  request: ClientRequest,
  silence: Silence,
  ending: Ending,
): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    silence.begin();
    request.end(body);
    return;
  }
  try {
    await feed(whileNotWaiting(body, silence), request, "pipe");
  } catch (error) {
    ending.end(error);
    throw error;
  }
}

/** The peer's silence counts from a piece that it was given on, and not while the source is waited for. */
async function* whileNotWaiting(source: AsyncIterable<Uint8Array>, silence: Silence) {
  for await (const piece of source) {
    silence.begin();
    yield piece;
    silence.pause();
  }
  silence.begin();
}

interface Silence extends Disposable {
  begin(): void;
  pause(): void;
}

/** Once disposed it does not begin again: a body may still be on its way when its answer has come. */
function silenceOf(ending: Ending, idleMs: number): Silence {
  let patience: Disposable | undefined;
  let over = false;
  const pause = () => {
    patience?.[Symbol.dispose]();
    patience = undefined;
  };
  return {
    begin() {
      pause();
      patience = over ? undefined : ending.expect(idleMs, "it did not answer");
    },
    pause,
    [Symbol.dispose]() {
      over = true;
      pause();
    },
  };
}

function answer(hop: Hop, message: IncomingMessage, socket: Socket, ending: Ending, idleMs: number): HttpResponse {
  const close = async () => {
    if (!socket.destroyed) {
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    }
  };
  const doing = shownRequest(hop.method, hop.url);
  const body = read(message, ending, { idleMs, doing, close });
  return {
    status: message.statusCode as number,
    headers: Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(", ") : (value as string),
      ]),
    ),
    url: hop.url.href,
    body,
    text: (mostBytes = usualText) => textOf(body, mostBytes, doing),
    [Symbol.asyncDispose]: close,
  };
}

interface Reading {
  readonly idleMs: number;
  readonly doing: string;
  close(): Promise<void>;
}

async function* read(message: IncomingMessage, ending: Ending, { idleMs, doing, close }: Reading) {
  const pieces: AsyncIterator<Uint8Array> = message[Symbol.asyncIterator]();
  const next = async () => {
    using _ = ending.expect(idleMs, "it sent nothing more");
    return await pieces.next();
  };
  try {
    for (let piece = await next(); piece.done !== true; piece = await next()) {
      yield piece.value;
    }
  } catch (error) {
    throw errnoOf(error) === "ECONNRESET" && !ending.signal.aborted
      ? new DutError("unavailable", `${doing}: the answer broke off`, { cause: error })
      : ending.explain(error);
  } finally {
    await close();
  }
}

async function textOf(body: AsyncIterable<Uint8Array>, mostBytes: number, doing: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > mostBytes) {
      throw new DutError("resource_exhausted", `${doing}: the answer is longer than ${mostBytes} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Log, LogFields } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import { connectErrorFrom } from "./fault.ts";
import { callerOf, fromHeader, versionHeader } from "./headers.ts";
import { limits } from "./limits.ts";
import { expectWhole } from "./request-patience.ts";
import { protocolVersion, refuseIncompatible } from "./version.ts";

/** Answers one HTTP request, of either version. */
export type HttpHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

const asksOnce: ReadonlySet<DescMethod["methodKind"]> = new Set(["unary", "server_streaming"]);

export interface RpcHandlerOptions {
  readonly self: "agent" | "dutserver";
  readonly log: Log;
  /** What the library reads in place of the bytes of a request, by the path of the call: a chance to read them slower. */
  readonly intake?: Intake;
  /** Default none. */
  readonly metrics?: Metrics;
}

export type Intake = (path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array>;

/** The stream below a call, for what the RPC library does not tell. */
export interface CallStream {
  /**
   * Whether the peer has reset the stream or is gone. Node ends the messages of such a stream as if the peer had ended
   * them.
   */
  readonly broken: boolean;
  /** Resets the stream, for a peer that does not read and so hears no status. */
  breakOff(): void;
}

/** Finds the stream in the context of a call. */
export const callStreamKey = createContextKey<CallStream>({ broken: false, breakOff() {} });

/** The address that a call comes from; undefined for a unix socket. */
export const callAddressKey = createContextKey<string | undefined>(undefined);

/**
 * Serves RPC routes over gRPC, gRPC-Web and Connect. Every answer carries our version, a client of another major
 * version is refused, and whatever a route throws becomes a status of the wire.
 */
export function rpcHandler(
  routes: (router: ConnectRouter) => void,
  { self, log, intake = (_, body) => body, metrics = noMetrics }: RpcHandlerOptions,
): HttpHandler {
  const router = createConnectRouter({
    acceptCompression: [],
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.fileMessageBytes,
    maxTimeoutMs: limits.longestTimeoutMs,
    interceptors: [versionInterceptor(self, log)],
  });
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(request.url?.split("?", 1)[0] ?? "");
    if (handler === undefined) {
      response.statusCode = 404;
      response.setHeader("content-type", "text/plain; charset=utf-8");
      response.end("404 page not found\n");
      return;
    }
    if (handler.allowedMethods.includes(request.method ?? "")) {
      // Set here, it is there for every outcome; a route that forwards a call replaces it by the version of the peer.
      response.setHeader(versionHeader, protocolVersion);
      if (asksOnce.has(handler.method.methodKind)) {
        expectWhole(request, () => metrics.limitHit("unfinished_request"));
      }
      const call = universalRequestFromNodeRequest(request, response, undefined, contextOf(request, response));
      const body = intake(handler.requestPath, call.body as AsyncIterable<Uint8Array>, call.signal);
      void handler({ ...call, body })
        .then((answer) => universalResponseToNodeResponse(answer, response))
        .catch((error: unknown) => {
          // The client hung up while it was being answered: its loss, and known to the run by its signal.
          if (ConnectError.from(error).code !== Code.Aborted) {
            log.warn("answering failed", { rpc: handler.method.name, err: error });
          }
        });
      return;
    }
    response.statusCode = 405;
    response.setHeader("allow", handler.allowedMethods.join(", "));
    response.end();
  };
}

function contextOf(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): ContextValues {
  const values = createContextValues().set(callAddressKey, request.socket.remoteAddress);
  if (!("stream" in response)) {
    return values;
  }
  const { stream } = response;
  return values.set(callStreamKey, {
    get broken() {
      return stream.closed || stream.destroyed;
    },
    breakOff: () => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
  });
}

/** Who called for what, as far as the call tells. */
function aboutCall({ header, message, stream }: UnaryRequest | StreamRequest): LogFields {
  const { kind, name } = callerOf(header.get(fromHeader));
  return {
    ...(kind === "named" ? { user: name } : {}),
    ...(!stream && "device" in message && message.device !== "" ? { device: message.device } : {}),
    ...(!stream && "runId" in message ? { run: message.runId } : {}),
  };
}

function versionInterceptor(self: "agent" | "dutserver", log: Log): Interceptor {
  const refusals = sparing(log);
  return (next) => async (request) => {
    try {
      refuseIncompatible(self, request.header.get(versionHeader) ?? "");
      const response = await next(request);
      return response.stream ? { ...response, message: withFaultsTranslated(response.message) } : response;
    } catch (error) {
      refusals.info("call refused", { rpc: request.method.name, ...aboutCall(request), err: messageOf(error) });
      throw connectErrorFrom(error);
    }
  };
}

async function* withFaultsTranslated<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw connectErrorFrom(error);
  }
}

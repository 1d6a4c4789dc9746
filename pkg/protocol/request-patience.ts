import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { limits } from "./limits.ts";

/**
 * Gives a request of HTTP/2 that asks once the time for a whole request: one that has not ended by then is reset. Node
 * does this for HTTP/1.1. `onOver` is told.
 */
export function expectWhole(
  request: IncomingMessage | Http2ServerRequest,
  onOver: () => void,
  ms: number = limits.requestMs,
): void {
  if (!("stream" in request)) {
    return;
  }
  const { stream } = request;
  const patience = setTimeout(() => {
    onOver();
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }, ms).unref();
  const stop = () => clearTimeout(patience);
  request.once("end", stop);
  stream.once("close", stop);
}

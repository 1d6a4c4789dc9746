import type { ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";

/** What opens streams to one peer: over a connection that it makes when one is needed, or over one that the peer made. */
export interface Streams {
  /** Opens a stream. Throws unavailable when the peer cannot be reached, and the signal's reason when it aborts first. */
  request(method: string, path: string, headers: OutgoingHttpHeaders, signal?: AbortSignal): Promise<ClientHttp2Stream>;
}

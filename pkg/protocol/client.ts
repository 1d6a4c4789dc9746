import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Address } from "./address.ts";
import { DeviceService, RelayService } from "./gen/dutctl/v1/dutctl_pb.ts";
import { fromHeader, fromHeaderValue, versionHeader } from "./headers.ts";
import { Http2Session, urlOf } from "./http2-session.ts";
import { limits } from "./limits.ts";
import { protocolVersion } from "./version.ts";

export interface Connection extends Disposable {
  readonly devices: Client<typeof DeviceService>;
  readonly relay: Client<typeof RelayService>;
  /** The same connection for requests that are not calls. */
  readonly session: Http2Session;
}

export interface ConnectionOptions {
  /** Sent as From with every call that changes something; undefined sends none. */
  readonly identity: string | undefined;
  /** Told the peer's Dutctl-Version, null when it sends none, once, with the first answer that is no error. */
  readonly onPeerVersion?: (version: string | null) => void;
  /** Pings also without an open stream, so that a dead peer is known before it is needed. */
  readonly pingWhenIdle?: boolean;
}

/**
 * The clients of one agent or server, speaking gRPC as the existing programs do. Nothing is sent before the first call.
 * Compression is never offered: it costs several times the throughput, and firmware hardly compresses.
 */
export function connectTo(address: Address, options: ConnectionOptions): Connection {
  const session = new Http2Session(address, { pingWhenIdle: options.pingWhenIdle ?? false });
  const transport = createGrpcTransport({
    baseUrl: urlOf(address),
    sessionManager: session,
    acceptCompression: [],
    readMaxBytes: limits.fileMessageBytes,
    writeMaxBytes: limits.fileMessageBytes,
    interceptors: [headerInterceptor(options)],
  });
  return {
    session,
    devices: createClient(DeviceService, transport),
    relay: createClient(RelayService, transport),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

const identified: ReadonlySet<string> = new Set([
  DeviceService.method.lock.name,
  DeviceService.method.unlock.name,
  DeviceService.method.run.name,
]);

function headerInterceptor({ identity, onPeerVersion }: ConnectionOptions): Interceptor {
  let told = false;
  return (next) => async (request) => {
    if (!request.header.has(versionHeader)) {
      request.header.set(versionHeader, protocolVersion);
    }
    if (identity !== undefined && identified.has(request.method.name)) {
      request.header.set(fromHeader, fromHeaderValue(identity));
    }
    const response = await next(request);
    if (!told) {
      told = true;
      onPeerVersion?.(response.header.get(versionHeader));
    }
    return response;
  };
}

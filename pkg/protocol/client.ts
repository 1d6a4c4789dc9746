import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Address } from "./address.ts";
import type { ClientTls } from "./dial.ts";
import { DeviceService, RelayService } from "./gen/dutctl/v1/dutctl_pb.ts";
import { LabService, RunService } from "./gen/dutlab/v1/dutlab_pb.ts";
import { type CallOptions, callStream, callUnary } from "./grpc/call.ts";
import { fromHeader, fromHeaderValue, versionHeader } from "./headers.ts";
import { Http2Session } from "./http2-session.ts";
import { limits } from "./limits.ts";
import { onceMore } from "./once-more.ts";
import type { Streams } from "./streams.ts";
import { protocolVersion } from "./version.ts";

export type { CallOptions };

/** A service as its methods, each called as its kind of stream demands. */
export type Client<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: Call<Service["method"][Name]>;
};

type Call<Method> = Method extends {
  readonly methodKind: infer Kind;
  readonly input: infer Input extends DescMessage;
  readonly output: infer Output extends DescMessage;
}
  ? Kind extends "unary"
    ? (request: MessageInitShape<Input>, options?: CallOptions) => Promise<MessageShape<Output>>
    : Kind extends "server_streaming"
      ? (request: MessageInitShape<Input>, options?: CallOptions) => AsyncIterable<MessageShape<Output>>
      : (requests: AsyncIterable<MessageInitShape<Input>>, options?: CallOptions) => AsyncIterable<MessageShape<Output>>
  : never;

export interface Clients {
  readonly devices: Client<typeof DeviceService>;
  readonly relay: Client<typeof RelayService>;
  readonly lab: Client<typeof LabService>;
  readonly runs: Client<typeof RunService>;
}

export interface Connection extends Clients, Disposable {}

export interface CallerOptions {
  /** Sent as From with every call that may change something; undefined sends none. */
  readonly identity: string | undefined;
  /** Told the peer's Dutctl-Version, null when it sends none, once, with the first answer that is no error. */
  readonly onPeerVersion?: (version: string | null) => void;
}

export interface ConnectionOptions extends CallerOptions {
  /** Pings also without an open stream, so that a dead peer is known before it is needed. */
  readonly pingWhenIdle?: boolean;
  /** Undefined speaks in clear. */
  readonly tls?: ClientTls | undefined;
}

/**
 * The clients of one agent or server, or of the first of several alike that answers, speaking gRPC as the existing programs do. Nothing is sent before the first call.
 * Compression is never offered: it costs several times the throughput, and firmware hardly compresses.
 */
export function connectTo(address: Address | readonly Address[], options: ConnectionOptions): Connection {
  const session = new Http2Session(address, { pingWhenIdle: options.pingWhenIdle ?? false, tls: options.tls });
  return { ...clientsOver(session, options), [Symbol.dispose]: () => session[Symbol.dispose]() };
}

/** The clients of a peer that is connected already. */
export function clientsOver(peer: Streams, options: CallerOptions): Clients {
  const introduced = introduction(options);
  return {
    devices: clientOf(DeviceService, peer, introduced),
    relay: clientOf(RelayService, peer, introduced),
    lab: clientOf(LabService, peer, introduced),
    runs: clientOf(RunService, peer, introduced),
  };
}

type Introduction = (method: DescMethod, options: CallOptions) => CallOptions;

/** The client of one service of a peer that is connected already. */
export function clientFor<Service extends DescService>(
  service: Service,
  peer: Streams,
  options: CallerOptions,
): Client<Service> {
  return clientOf(service, peer, introduction(options));
}

function clientOf<Service extends DescService>(
  service: Service,
  peer: Streams,
  introduced: Introduction,
): Client<Service> {
  const calls = service.methods.map((method) => [method.localName, callOf(method, peer, introduced)]);
  return Object.fromEntries(calls) as Client<Service>;
}

function callOf(method: DescMethod, peer: Streams, introduced: Introduction) {
  switch (method.methodKind) {
    case "unary":
      return (request: MessageInitShape<DescMessage>, options: CallOptions = {}) =>
        onceMore(method, introduced(method, options), (introducedAs) => callUnary(peer, method, request, introducedAs));
    case "server_streaming":
      return (request: MessageInitShape<DescMessage>, options: CallOptions = {}) =>
        callStream(peer, method, only(request), introduced(method, options));
    default:
      return (requests: AsyncIterable<MessageInitShape<DescMessage>>, options: CallOptions = {}) =>
        callStream(peer, method, requests, introduced(method, options));
  }
}

async function* only<T>(item: T): AsyncIterable<T> {
  yield item;
}

/** Of the old protocol the calls that change something; of ours every call. */
const anonymous: ReadonlySet<DescMethod> = new Set([
  DeviceService.method.list,
  DeviceService.method.commands,
  DeviceService.method.details,
  RelayService.method.register,
]);

/** Answers that are larger than others, in bytes. */
const answerBytes: ReadonlyMap<DescMethod, number> = new Map<DescMethod, number>([
  [DeviceService.method.list, limits.listMessageBytes],
  [DeviceService.method.run, limits.fileMessageBytes],
  [LabService.method.list, limits.listMessageBytes],
  [LabService.method.watch, limits.listMessageBytes],
  [RunService.method.listRuns, limits.listMessageBytes],
]);

/** Adds to a call who calls, with which version, and how large an answer is read, and hears the peer's version of the first answer. */
function introduction({ identity, onPeerVersion }: CallerOptions): Introduction {
  let told = false;
  return (method, options) => ({
    readMaxBytes: answerBytes.get(method) ?? limits.messageBytes,
    ...options,
    headers: {
      [versionHeader]: protocolVersion,
      ...(identity !== undefined && !anonymous.has(method) ? { [fromHeader]: fromHeaderValue(identity) } : {}),
      ...options.headers,
    },
    onHeaders(headers) {
      if (!told) {
        told = true;
        onPeerVersion?.(headers[versionHeader]?.toString() ?? null);
      }
      options.onHeaders?.(headers);
    },
  });
}

import { once } from "node:events";
import type { OutgoingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";
import { Readable } from "node:stream";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeviceService, RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import type { Streams } from "#pkg/protocol/streams.ts";
import { bulkBytes, bulkDevice, flood, swallowHeader } from "../peers/flood.ts";

const { run } = DeviceService.method;

/** The headers of a run whose bytes go to the agent. */
export const swallow: OutgoingHttpHeaders = { [swallowHeader]: "1" };

/** Megabytes a second of some work that resolves with its bytes. */
export async function rateOf(work: () => Promise<number>): Promise<number> {
  const begun = performance.now();
  const bytes = await work();
  return bytes / 1000 / (performance.now() - begun);
}

/** A run of the device that moves bytes, its command sent. */
export async function runOn(
  peer: Streams,
  { device = bulkDevice, headers = {} }: { readonly device?: string; readonly headers?: OutgoingHttpHeaders } = {},
): Promise<Duplex> {
  const stream = await peer.request("POST", `/${run.parent.typeName}/${run.name}`, {
    ...headers,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const command = create(RunRequestSchema, {
    msg: { case: "command", value: { device, command: "move" } },
  });
  stream.write(enveloped(toBinary(RunRequestSchema, command), 1024));
  return stream;
}

export async function receive(opening: Promise<Duplex>): Promise<number> {
  const stream = await opening;
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(stream, "end");
  stream.end();
  if (bytes !== bulkBytes) {
    throw new Error(`${bytes} of ${bulkBytes} bytes came through`);
  }
  return bytes;
}

/** Ends when the other side says that it has everything. */
export async function send(opening: Promise<Duplex>): Promise<number> {
  const stream = await opening;
  Readable.from(flood()).pipe(stream);
  await once(stream.resume(), "end");
  return bulkBytes;
}

import { once } from "node:events";
import type { OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { type Duplex, Readable } from "node:stream";
import { create, toBinary } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { DeviceService, RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { medians } from "../medians.ts";
import { bulkBytes, bulkDevice, flood, swallowHeader } from "../peers/flood.ts";
import type { Group } from "../row.ts";

const { run } = DeviceService.method;
const rounds = 7;
const swallow = { [swallowHeader]: "1" };

/** A stream of bytes through the server, beside the same bytes through a process that joins two sockets. */
export const bulk: Group = {
  name: "bulk",
  async measure({ server, agent, spliced }) {
    using session = new Http2Session(parseAddress(server), { pingWhenIdle: false });
    using joined = new Http2Session({ kind: "tcp", host: "127.0.0.1", port: spliced.agent }, { pingWhenIdle: false });
    using direct = connectTo(parseAddress(agent), { identity: undefined });
    using relayed = connectTo(parseAddress(server), { identity: undefined });
    const measured = await medians(rounds, {
      splice: () => rateOf(() => receive(socketTo(spliced.flood))),
      joined: () => rateOf(() => receive(runOn(joined))),
      relay: () => rateOf(() => receive(runOn(session))),
      spliceUp: () => rateOf(() => send(socketTo(spliced.swallow))),
      joinedUp: () => rateOf(() => send(runOn(joined, swallow))),
      relayUp: () => rateOf(() => send(runOn(session, swallow))),
      output: () => rateOf(() => outputBytes(direct.devices)),
      relayedOutput: () => rateOf(() => outputBytes(relayed.devices)),
    });
    return [
      {
        name: "from an agent through the server",
        value: measured.relay,
        unit: "MB/s",
        floor: { name: "TCP splice", value: measured.splice },
        hold: { kind: "at-least-times", factor: 0.75 },
      },
      {
        name: "to an agent through the server",
        value: measured.relayUp,
        unit: "MB/s",
        floor: { name: "TCP splice", value: measured.spliceUp },
        hold: { kind: "at-least-times", factor: 0.75 },
      },
      ...[
        { name: "from an agent", value: measured.relay, floor: measured.joined },
        { name: "to an agent", value: measured.relayUp, floor: measured.joinedUp },
      ].map(({ name, value, floor }) => ({
        name: `${name}, the hop alone`,
        value,
        unit: "MB/s" as const,
        floor: { name: "HTTP/2 through a TCP splice", value: floor },
        hold: undefined,
      })),
      {
        name: "a module's output through the server",
        value: measured.relayedOutput,
        unit: "MB/s",
        floor: { name: "direct", value: measured.output },
        hold: undefined,
      },
    ];
  },
};

/** Megabytes a second of some work that resolves with its bytes. */
async function rateOf(work: () => Promise<number>): Promise<number> {
  const begun = performance.now();
  const bytes = await work();
  return bytes / 1000 / (performance.now() - begun);
}

/** A run of the device that moves bytes, its command sent. */
async function runOn(session: Http2Session, headers: OutgoingHttpHeaders = {}): Promise<Duplex> {
  const stream = await session.request("POST", `/${run.parent.typeName}/${run.name}`, {
    ...headers,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const command = create(RunRequestSchema, {
    msg: { case: "command", value: { device: bulkDevice, command: "move" } },
  });
  stream.write(enveloped(toBinary(RunRequestSchema, command), 1024));
  return stream;
}

async function socketTo(port: number): Promise<Duplex> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

async function receive(opening: Promise<Duplex>): Promise<number> {
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
async function send(opening: Promise<Duplex>): Promise<number> {
  const stream = await opening;
  Readable.from(flood()).pipe(stream);
  await once(stream.resume(), "end");
  return bulkBytes;
}

/** What `head` prints, in the messages of a run. */
async function outputBytes(devices: ReturnType<typeof connectTo>["devices"]): Promise<number> {
  async function* requests() {
    yield { msg: { case: "command" as const, value: { device: "board", command: "flood" } } };
  }
  let bytes = 0;
  for await (const { msg } of devices.run(requests())) {
    bytes += msg.case === "console" ? (msg.value.data.value?.length ?? 0) : 0;
  }
  return bytes;
}

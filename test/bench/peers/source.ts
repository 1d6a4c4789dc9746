/**
 * `source.ts SERVER`: a process that is the other end of the bulk and echo rows. Plain ports that flood, swallow and
 * echo, and an agent whose commands flood and swallow: once as an agent that dials the server, once as one that
 * registers its address there. Prints all ports as JSON.
 */
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Readable } from "node:stream";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { dialOut } from "#pkg/relay/dial-out.ts";
import { pathOf } from "#pkg/relay/run-request.ts";
import { AgentSession } from "../../../cmds/dutagent/servers/agent-session.ts";
import { bulkDevice, flood, registeredBulkDevice, swallowHeader } from "./flood.ts";

const runPath = pathOf(DeviceService.method.run);

const servers = {
  flood: createServer((socket) => void Readable.from(flood()).pipe(socket)),
  swallow: createServer({ allowHalfOpen: true }, (socket) => void socket.resume().once("end", () => socket.end())),
  echo: createServer({ noDelay: true }, (socket) => void socket.pipe(socket)),
};

const agent = createHttp2Server({ settings: { initialWindowSize: limits.streamWindowBytes } });
agent.on("session", (session) => session.setLocalWindowSize(limits.connectionWindowBytes));
agent.on("request", move);

/** Trailers are the response object's to send; the bytes pass by the objects of Node's older interface. */
function move({ headers }: Pick<Http2ServerRequest, "headers">, response: Http2ServerResponse): void {
  const { stream } = response;
  response.writeHead(200, { "content-type": "application/grpc" });
  response.addTrailers({ "grpc-status": "0" });
  stream.resume();
  if (headers[swallowHeader] === undefined) {
    Readable.from(flood()).pipe(stream);
  } else {
    stream.once("end", () => stream.end());
  }
}

const named = await Promise.all(
  Object.entries({ ...servers, agent }).map(async ([name, server]) => [name, await portOf(server)] as const),
);
const ports = Object.fromEntries(named);
const server = parseAddress(process.argv[2] ?? "");
{
  using connection = connectTo(server, { identity: undefined });
  await connection.relay.register({ devices: [registeredBulkDevice], address: `127.0.0.1:${ports.agent}` });
}
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const session = new AgentSession(
  {
    name: "source",
    bootId: randomUUID(),
    identity: {
      publicKey: publicKey.export({ format: "der", type: "spki" }),
      sign: (data) => sign(null, data, privateKey),
    },
    bench: {
      devices: new Map([[bulkDevice, { config: { description: "", labels: new Map() } }]]),
      onChange: () => ({ [Symbol.dispose]() {} }),
    },
    engine: { list: () => [] },
    locks: { fence: 0 },
  },
  silentLog,
);
const nothingElse = rpcHandler(() => {}, { self: "agent", log: silentLog });
const handler = session.handler((request, response) => {
  if (request.url === runPath && "stream" in response) {
    move(request, response);
  } else {
    nothingElse(request, response);
  }
});
await dialOut(server, handler, { tls: undefined, signal: new AbortController().signal, log: silentLog });
await session.accepted;
process.stdout.write(`${JSON.stringify(ports)}\n`);

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

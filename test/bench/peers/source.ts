/**
 * `source.ts SERVER`: a process that is the other end of the bulk and echo rows. Plain ports that flood, swallow and
 * echo, and an agent whose commands flood and swallow, registered at the server. Prints all ports as JSON.
 */
import { once } from "node:events";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Readable } from "node:stream";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { bulkDevice, flood, swallowHeader } from "./flood.ts";

const servers = {
  flood: createServer((socket) => void Readable.from(flood()).pipe(socket)),
  swallow: createServer({ allowHalfOpen: true }, (socket) => void socket.resume().once("end", () => socket.end())),
  echo: createServer({ noDelay: true }, (socket) => void socket.pipe(socket)),
};

const agent = createHttp2Server({ settings: { initialWindowSize: limits.streamWindowBytes } });
agent.on("session", (session) => session.setLocalWindowSize(limits.connectionWindowBytes));
agent.on("stream", (opened, headers) => {
  const stream = opened as ServerHttp2Stream;
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.resume();
  if (headers[swallowHeader] === undefined) {
    Readable.from(flood()).pipe(stream);
  } else {
    stream.once("end", () => stream.end());
  }
});

const named = await Promise.all(
  Object.entries({ ...servers, agent }).map(async ([name, server]) => [name, await portOf(server)] as const),
);
const ports = Object.fromEntries(named);
{
  using connection = connectTo(parseAddress(process.argv[2] ?? ""), { identity: undefined });
  await connection.relay.register({ devices: [bulkDevice], address: `127.0.0.1:${ports.agent}` });
}
process.stdout.write(`${JSON.stringify(ports)}\n`);

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

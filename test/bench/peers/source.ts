/**
 * `source.ts SERVER`: a process that is the other end of the bulk and echo rows. A plain port that floods, one that
 * echoes, and an agent that floods, registered at the server. Prints the plain ports as JSON.
 */
import { once } from "node:events";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Readable } from "node:stream";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { bulkDevice, flood } from "./flood.ts";

const plain = createServer((socket) => void Readable.from(flood()).pipe(socket));
const echo = createServer({ noDelay: true }, (socket) => void socket.pipe(socket));
const agent = createHttp2Server();
agent.on("stream", (stream) => {
  stream.resume();
  if ("respond" in stream && typeof stream.respond === "function") {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    Readable.from(flood()).pipe(stream);
  }
});

const [floodPort, echoPort, agentPort] = await Promise.all([portOf(plain), portOf(echo), portOf(agent)]);
{
  using connection = connectTo(parseAddress(process.argv[2] ?? ""), { identity: undefined });
  await connection.relay.register({ devices: [bulkDevice], address: `127.0.0.1:${agentPort}` });
}
process.stdout.write(`${JSON.stringify({ flood: floodPort, echo: echoPort })}\n`);

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

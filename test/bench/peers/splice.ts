/** `splice.ts PORTS`: a process that joins sockets with those of other ports, which come and go as JSON by their names. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

const ports: Readonly<Record<string, number>> = JSON.parse(process.argv[2] ?? "{}");
const joined = await Promise.all(Object.entries(ports).map(async ([name, port]) => [name, await splice(port)]));
process.stdout.write(`${JSON.stringify(Object.fromEntries(joined))}\n`);

/** Resolves with the port whose sockets are joined with those of another one. */
async function splice(port: number): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const upstream = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    socket.on("error", () => upstream.destroy());
    upstream.on("error", () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

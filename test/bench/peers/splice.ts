/** `splice.ts PORT`: a process that joins every socket that comes to it with one to PORT. Prints its own port. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

const port = Number(process.argv[2]);
const server = createServer({ noDelay: true }, (socket) => {
  const upstream = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => upstream.destroy());
  upstream.on("error", () => socket.destroy());
  socket.pipe(upstream).pipe(socket);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { openTcpProxy } from "./tcp-proxy.ts";

/** A peer that sends back what it gets. */
async function openEcho(): Promise<{ address: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}

/** What comes back of a text until the connection ends, and how it ended. */
async function echoed(address: string, text: string): Promise<{ got: string; error: string }> {
  const [host, port] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  let got = "";
  let error = "";
  socket.on("data", (piece) => {
    got += piece;
    if (got === text) {
      socket.end();
    }
  });
  socket.on("error", (fault: NodeJS.ErrnoException) => {
    error = fault.code ?? "";
  });
  socket.write(text);
  await new Promise((resolve) => socket.once("close", resolve));
  return { got, error };
}

test("what it does not break passes unchanged, and is counted", async () => {
  await using echo = await openEcho();
  await using proxy = await openTcpProxy(echo.address, () => ({ delayMs: 5 }));
  assert.deepEqual(await echoed(proxy.address, "whole"), { got: "whole", error: "" });
  assert.deepEqual([proxy.connections, proxy.passed], [1, { up: 5, down: 5 }]);
});

test("a cut lets exactly as many bytes pass as it was told, of the connection it was told", async () => {
  await using echo = await openEcho();
  await using proxy = await openTcpProxy(echo.address, (connection) =>
    connection === 0 ? { cut: { direction: "up", bytes: 3, how: "end" } } : {},
  );
  const first = await echoed(proxy.address, "whole");
  assert.deepEqual(proxy.passed.up, 3);
  assert.ok("who".startsWith(first.got));
  assert.deepEqual(await echoed(proxy.address, "whole"), { got: "whole", error: "" });
});

test("a cable that is pulled and put back loses nothing", async () => {
  await using echo = await openEcho();
  await using proxy = await openTcpProxy(echo.address);
  proxy.hold(true);
  const answer = echoed(proxy.address, "whole");
  while (proxy.passed.up === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  proxy.hold(false);
  assert.deepEqual(await answer, { got: "whole", error: "" });
});

test("connections are refused for as long as it is told to", async () => {
  await using echo = await openEcho();
  await using proxy = await openTcpProxy(echo.address);
  proxy.refuse(true);
  assert.equal((await echoed(proxy.address, "whole")).error, "ECONNRESET");
  proxy.refuse(false);
  assert.equal((await echoed(proxy.address, "whole")).got, "whole");
});

test("nothing stays open of a connection that is broken in the moment in which it has sent its end", async () => {
  await using echo = await openEcho();
  for (let moments = 0; moments < 20; moments++) {
    await using proxy = await openTcpProxy(echo.address, () => ({ cut: { direction: "up", bytes: 3, how: "end" } }));
    proxy.hold(true);
    const [host, port] = proxy.address.split(":");
    const socket = connect({ host, port: Number(port) }).on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume().write("whole");
    while (proxy.passed.up === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    proxy.hold(false);
    for (let moment = 0; moment < moments; moment++) {
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    proxy.cut();
    await closed;
  }
  while (process.getActiveResourcesInfo().includes("TCPSocketWrap")) {
    await new Promise((resolve) => setImmediate(resolve));
  }
});

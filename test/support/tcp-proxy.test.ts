import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { badLine, type Fault } from "./line-fault.ts";
import type { Random } from "./pseudo-random.ts";
import { openTcpProxy } from "./tcp-proxy.ts";

/** A peer that sends back what it gets. */
async function openEcho(): Promise<{ address: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
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

test("what is late, jittery, sliced and narrow arrives whole and in order, and takes its time", async () => {
  await using echo = await openEcho();
  const slices = { mostBytes: 100, mostPauseMs: 0.1 };
  await using proxy = await openTcpProxy(echo.address, () => ({
    ...{ delayMs: 20, jitterMs: 20, bytesPerSecond: 100_000, slices },
  }));
  const text = Array.from({ length: 1000 }, (_, index) => `${index}\n`).join("");
  const begun = performance.now();
  assert.deepEqual(await echoed(proxy.address, text), { got: text, error: "" });
  const least = 2 * 20 + (1000 * text.length) / 100_000;
  assert.ok(performance.now() - begun >= least);
});

test("a connection that is closed by half still passes what comes from the other side", async () => {
  await using echo = await openEcho();
  await using proxy = await openTcpProxy(echo.address, () => ({
    cut: { direction: "up", bytes: 3, how: "half-close" },
  }));
  assert.deepEqual(await echoed(proxy.address, "whole"), { got: "who", error: "" });
});

test("a connection that stalls in one direction takes no more there and passes the other", async () => {
  await using echo = await openEcho();
  await using proxy = await openTcpProxy(echo.address, () => ({ cut: { direction: "up", bytes: 3, how: "stall" } }));
  const [host, port] = proxy.address.split(":");
  const socket = connect({ host, port: Number(port) }).on("error", () => {});
  socket.write("whole");
  const [got] = await once(socket, "data");
  socket.write("more");
  assert.deepEqual([String(got), proxy.passed], ["who", { up: 3, down: 3 }]);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  proxy.cut();
  await closed;
});

test("a cable with one broken wire holds one direction", async () => {
  await using echo = await openEcho();
  await using proxy = await openTcpProxy(echo.address);
  proxy.hold(true, "down");
  const answer = echoed(proxy.address, "whole");
  while (proxy.passed.down === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(proxy.passed.up, 5);
  proxy.hold(false, "down");
  assert.deepEqual(await answer, { got: "whole", error: "" });
});

test("the same seed draws the same fault for the same connection", async () => {
  await using echo = await openEcho();
  const drawn = async (seed: number) => {
    const faults: Fault[] = [];
    const draw = (_: number, random: Random) => {
      const fault = badLine(random);
      faults.push(fault);
      return fault;
    };
    await using proxy = await openTcpProxy(echo.address, draw, seed);
    for (const _ of [1, 2]) {
      assert.equal((await echoed(proxy.address, "whole")).got, "whole");
    }
    return faults;
  };
  const [first, again, other] = [await drawn(7), await drawn(7), await drawn(8)];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
  assert.notDeepEqual(first[0], first[1]);
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

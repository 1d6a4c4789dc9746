import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { type Address, formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { clientsOver } from "#pkg/protocol/client.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { listen, type ServerTls } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { openTcpProxy } from "#test/support/tcp-proxy.ts";
import { dialOut } from "./dial-out.ts";
import { Tunnel } from "./tunnel.ts";
import { acceptUpgrade, refuseUpgrade, upgrades } from "./upgrade.ts";

const handler = rpcHandler(
  (router) => router.service(DeviceService, { list: () => ({ devices: [{ name: "board" }] }) }),
  { self: "agent", log: silentLog },
);

/** A listener that hands over the sockets of those who dial in. */
function serverFor(take: (socket: Socket) => void, tls?: ServerTls) {
  return listen(parseAddress("localhost:0"), handler, {
    log: silentLog,
    insecure: false,
    tls,
    upgrades: {
      [upgrades.agent]: (_request, socket, _head, guest) => {
        guest.left();
        take(socket);
      },
    },
  });
}

const dial = (address: Address, t: TestContext, tls?: ClientTls) =>
  dialOut(address, handler, { tls, signal: t.signal, log: silentLog });

/** Answers yes, and gives the calling end of the connection. */
function answer(socket: Socket, { resolve, reject }: PromiseWithResolvers<Tunnel>): void {
  acceptUpgrade(socket, upgrades.agent).then(() => resolve(new Tunnel(socket, "the agent")), reject);
}

const authority = await testAuthority();
const secured = { ...(await authority.server()), clientCa: undefined };

for (const [how, server, client] of [
  ["in the clear", undefined, undefined],
  ["in TLS", secured, authority.clientTls()],
] as const) {
  test(`who was dialled calls who dialled, over the connection of that one, ${how}`, async (t) => {
    const arrived = Promise.withResolvers<Tunnel>();
    await using listener = await serverFor((socket) => answer(socket, arrived), server);
    using out = await dial(listener.address, t, client);
    using tunnel = await arrived.promise;
    const { devices } = clientsOver(tunnel, { identity: undefined });
    const answers = await Promise.all(Array.from({ length: 200 }, () => devices.list({})));
    assert.deepEqual(new Set(answers.map(({ devices }) => devices[0]?.name)), new Set(["board"]));
    tunnel.drop("the server has had enough");
    await out.closed;
    assert.equal(await tunnel.closed, "the server has had enough");
    await assert.rejects(devices.list({}), { code: "unavailable", message: "the connection was lost" });
  });
}

test("who dialled ends the connection when its calls have ended, and the other end knows at once", async (t) => {
  const arrived = Promise.withResolvers<Tunnel>();
  await using server = await serverFor((socket) => answer(socket, arrived));
  using out = await dial(server.address, t);
  using tunnel = await arrived.promise;
  await clientsOver(tunnel, { identity: undefined }).devices.list({});
  await out.drain();
  assert.equal(await tunnel.closed, "the connection was lost");
});

test("a connection that is reset was lost like any other", async (t) => {
  const arrived = Promise.withResolvers<Tunnel>();
  await using server = await serverFor((socket) => answer(socket, arrived));
  await using line = await openTcpProxy(formatAddress(server.address));
  using _ = await dial(parseAddress(line.address), t);
  using tunnel = await arrived.promise;
  line.cut("reset");
  assert.equal(await tunnel.closed, "the connection was lost");
});

for (const [status, reason, code] of [
  [503, "dutserver is shutting down", "unavailable"],
  [403, "your certificate is a user's", "permission_denied"],
] as const) {
  test(`a server that answers ${status} is heard saying why`, async (t) => {
    await using server = await serverFor((socket) => refuseUpgrade(socket, status, reason));
    await assert.rejects(dial(server.address, t), { code, message: reason });
  });
}

test("a server that knows no agents that dial in is told from one that is not there", async (t) => {
  await using other = await listen(parseAddress("localhost:0"), handler, { log: silentLog, insecure: false });
  await assert.rejects(dial(other.address, t), {
    code: "unimplemented",
    message: /does not take agents that dial in \(HTTP status 404\)$/,
  });
  await other[Symbol.asyncDispose]();
  await assert.rejects(dial(other.address, t), { code: "unavailable", message: /ECONNREFUSED/ });
});
